"""Paths and their handlers: read, decide, answer."""
