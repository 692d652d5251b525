"""The evaluations: their data, their scoring, their report."""
