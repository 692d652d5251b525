"""A light span tells what the SDK's would, and leaves in portions that a collector takes."""

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from api.telemetry.light_span import LightSpan
from api.telemetry.span_export import BYTES_AT_ONCE, Portions, SpanExport, portions


class Exported:
    """Spans that have left."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._export = SpanExport(SimpleSpanProcessor(self._exporter), Resource({}))

    def span(self, name: str = "s", parent: Any = None) -> LightSpan:
        return LightSpan(name, {"kind": "CHAIN"}, self._export, parent)

    @property
    def spans(self) -> tuple[Any, ...]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def exported() -> Exported:
    return Exported()


def test_it_is_told_once_with_all_that_was_said_before_its_end(exported: Exported) -> None:
    span = exported.span()
    span.set_attributes({"a": 1, "b": "x"})
    span.end()
    span.set_attribute("late", "word")
    span.end()
    [told] = exported.spans
    assert dict(told.attributes) == {"kind": "CHAIN", "a": 1, "b": "x"}
    assert told.end_time >= told.start_time > 0


def test_it_hangs_beneath_its_parent_and_is_sampled_whatever_the_parent_wants(exported: Exported) -> None:
    above = SpanContext(7, 9, is_remote=True, trace_flags=TraceFlags(0))
    exported.span(parent=set_span_in_context(NonRecordingSpan(above))).end()
    [told] = exported.spans
    assert (told.context.trace_id, told.parent.span_id, told.context.trace_flags) == (7, 9, TraceFlags.SAMPLED)


def test_without_a_parent_it_begins_a_trace(exported: Exported) -> None:
    first, second = exported.span(), exported.span()
    assert first.get_span_context().is_valid
    assert first.parent is None
    assert first.get_span_context().trace_id != second.get_span_context().trace_id


def test_a_failure_stays_the_status(exported: Exported) -> None:
    span = exported.span()
    span.set_status(Status(StatusCode.ERROR, "why"))
    span.end()
    assert (exported.spans[0].status.status_code, exported.spans[0].status.description) == (StatusCode.ERROR, "why")


class Counting(SpanExporter):
    """Takes portions, and fails at one of them."""

    def __init__(self, failing: int | None = None) -> None:
        self.sizes: list[int] = []
        self._failing = failing

    def export(self, spans: Any) -> SpanExportResult:
        self.sizes.append(len(spans))
        return SpanExportResult.FAILURE if len(self.sizes) == self._failing else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


def _ended(exported: Exported, *sizes: int) -> tuple[Any, ...]:
    for size in sizes:
        span = exported.span()
        span.set_attribute("text", "x" * size)
        span.end()
    return exported.spans


def test_small_spans_leave_together(exported: Exported) -> None:
    exporter = Counting()
    assert Portions(exporter).export(_ended(exported, *[100] * 50)) is SpanExportResult.SUCCESS
    assert exporter.sizes == [50]


def test_no_portion_is_larger_than_a_collector_takes(exported: Exported) -> None:
    half = BYTES_AT_ONCE // 2 - 2_000
    assert [len(portion) for portion in portions(_ended(exported, half, half, half, 10, 2 * BYTES_AT_ONCE, 10))] == [
        *(2, 2, 1, 1)
    ]


def test_a_portion_that_fails_is_told(exported: Exported) -> None:
    exporter = Counting(failing=1)
    assert Portions(exporter).export(_ended(exported, BYTES_AT_ONCE, BYTES_AT_ONCE)) is SpanExportResult.FAILURE
    assert exporter.sizes == [1, 1]
