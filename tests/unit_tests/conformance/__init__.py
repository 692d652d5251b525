"""The conformance runner: what it reads out of reports, and what it makes of failures."""
