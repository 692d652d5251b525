"""What this server tells of its work: spans, measurements and log lines.

tracing.py        the request's span, open to the last byte, and those beneath it
light_span.py     what a span is here; span_export.py: its way to Phoenix
recorder.py       what was asked and answered, where it may be traced; plain_text.py: as text
request_observer.py  counts, times and logs every request; access_log.py: the lines
logged_errors.py  tracebacks without the errors' messages, where those may not be logged
metrics/          what is counted and timed, on /metrics and over OTLP
"""

from api.telemetry.access_log import AccessLog
from api.telemetry.logged_errors import summary, without_messages
from api.telemetry.metrics import LLMCall, Metrics, error_class, metrics_of, open_metrics
from api.telemetry.recorder import Recorder
from api.telemetry.request_observer import RequestObserverMiddleware
from api.telemetry.tracing import (
    Tracing,
    TracingMiddleware,
    annotate_request,
    open_tracing,
    record_content,
    record_failure,
    trace_headers,
    trace_id,
    tracing_of,
)

__all__ = [
    "AccessLog",
    "LLMCall",
    "Metrics",
    "Recorder",
    "RequestObserverMiddleware",
    "Tracing",
    "TracingMiddleware",
    "annotate_request",
    "error_class",
    "metrics_of",
    "open_metrics",
    "open_tracing",
    "record_content",
    "record_failure",
    "summary",
    "trace_headers",
    "trace_id",
    "tracing_of",
    "without_messages",
]
