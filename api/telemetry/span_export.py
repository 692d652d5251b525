"""Spans on their way to Phoenix. The OpenTelemetry SDK and its exporters are imported here alone, so only where spans are sent."""

from collections.abc import Iterator, Sequence
from typing import Final

from openinference.semconv.resource import ResourceAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from phoenix.otel import GRPCSpanExporter, HTTPSpanExporter

from api.config import Settings
from api.telemetry.light_span import LightSpan

# A collector takes 4 MiB at once, gRPC's default, and of more takes none. Each request to it costs as much as some ten spans.
BYTES_AT_ONCE: Final = 3 * 2**20
SPANS_AT_ONCE: Final = 512
# What waits while the collector is away; more is dropped, and said so in the log.
SPANS_WAITING: Final = 4096
_OF_A_SPAN: Final = 512  # bytes beside its texts, generously
_OF_A_CHARACTER: Final = 4  # bytes at most
_SCOPE: Final = InstrumentationScope("api")


class SpanExport:
    """Takes spans that have ended, and sends them from a thread of its own."""

    def __init__(self, processor: SpanProcessor, resource: Resource) -> None:
        self._processor = processor
        self._resource = resource

    def __call__(self, span: LightSpan) -> None:
        self._processor.on_end(
            ReadableSpan(
                span.name,
                span.get_span_context(),
                span.parent,
                self._resource,
                span.attributes,
                status=span.status,
                start_time=span.started,
                end_time=span.ended,
                instrumentation_scope=_SCOPE,
            )
        )

    def send_the_rest(self) -> None:
        self._processor.force_flush()
        self._processor.shutdown()


class Portions(SpanExporter):
    """Hands spans on in as many portions as a collector takes."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        results = [self._exporter.export(portion) for portion in portions(spans)]
        failed = SpanExportResult.FAILURE in results
        return SpanExportResult.FAILURE if failed else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def open_span_export(settings: Settings) -> SpanExport:
    """To the collector that the settings name."""
    endpoint = settings.phoenix_collector_endpoint
    # Left to itself, Phoenix takes gRPC for port 4317 alone.
    over_http = endpoint.endswith("/v1/traces")
    exporter = HTTPSpanExporter(endpoint=endpoint) if over_http else GRPCSpanExporter(endpoint=endpoint)
    resource = Resource.create({ResourceAttributes.PROJECT_NAME: settings.phoenix_project_name})
    processor = BatchSpanProcessor(
        Portions(exporter), max_queue_size=SPANS_WAITING, max_export_batch_size=SPANS_AT_ONCE
    )
    return SpanExport(processor, resource)


def portions(spans: Sequence[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """The spans in their order, no more than BYTES_AT_ONCE together unless one alone has more."""
    portion: list[ReadableSpan] = []
    size = 0
    for span in spans:
        own = _size(span)
        if portion and size + own > BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(span)
        size += own
    if portion:
        yield portion


def _size(span: ReadableSpan) -> int:
    """In bytes, at most."""
    texts = [span.name, span.status.description or "", *map(str, (span.attributes or {}).values())]
    return _OF_A_SPAN + sum(len(text) if text.isascii() else len(text) * _OF_A_CHARACTER for text in texts)
