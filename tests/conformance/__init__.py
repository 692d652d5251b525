"""Compatibility suites that others wrote, run against the API on the real stack: ``make conformance``."""
