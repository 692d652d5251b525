"""What this server counts and times: served on /metrics for Prometheus, pushed over OTLP if wanted. docs/metrics.md lists it."""

from api.telemetry.metrics.instruments import open_metrics
from api.telemetry.metrics.recording import LLMCall, Metrics, error_class, metrics_of

__all__ = ["LLMCall", "Metrics", "MetricsMiddleware", "error_class", "metrics_of", "open_metrics"]
