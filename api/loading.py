"""What is imported before anything is served, so that it can be kept for good."""

from importlib import import_module

from api.config import load_settings


def load() -> None:
    """All that would be imported on the way, but for the exporters of spans, which only tracing needs."""
    import_module("api.main")
    if load_settings().enable_tracing:
        import_module("api.telemetry.span_export")
