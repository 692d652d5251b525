"""An OTLP collector in the test's own process: the spans and metrics that really left, as they left."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True)
class ReceivedSpan:
    """One span; ids in hexadecimal, `status` 0 unset, 1 OK, 2 ERROR."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    status: int
    seconds: float
    attributes: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.attributes.get("openinference.span.kind"))

    @property
    def metadata(self) -> dict[str, Any]:
        return json.loads(self.attributes.get("metadata", "{}"))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ReceivedPoint:
    """One series of a metric as it stood when it was pushed; `count` of a histogram, `value` of anything else."""

    metric: str
    unit: str
    attributes: dict[str, Any]
    count: int
    value: float
    boundaries: list[float]


@dataclass
class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Keeps the last push alone: what is pushed is counted from the start."""

    points: list[ReceivedPoint] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)
    """Every `service.instance.id` that anything was pushed for."""

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        for pushed in request.resource_metrics:
            self.instances.add(_values(pushed.resource.attributes).get("service.instance.id", ""))
        scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
        self.points = [point for scope in scopes for metric in scope.metrics for point in _points(metric)]
        return metrics_service_pb2.ExportMetricsServiceResponse()


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every span it is sent."""

    endpoint: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(_received(span) for span in scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait_for(self, wanted: Callable[[list[ReceivedSpan]], bool], *, within: float = 10.0) -> list[ReceivedSpan]:
        """The spans so far, once they are as wanted."""
        deadline = time.monotonic() + within
        while not wanted(self.spans):
            if time.monotonic() > deadline:
                raise AssertionError(f"The wanted spans did not come within {within} s: {self.spans}")
            time.sleep(0.02)
        return list(self.spans)


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector on a free port."""
    server = grpc.server(ThreadPoolExecutor(2))
    receiver = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(receiver.metrics, server)  # type: ignore[no-untyped-call]
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(0).wait()


def _points(metric: Any) -> Iterator[ReceivedPoint]:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        attributes = _values(point.attributes)
        if kind == "histogram":
            bounds = list(point.explicit_bounds)
            yield ReceivedPoint(metric.name, metric.unit, attributes, point.count, point.sum, bounds)
        else:
            yield ReceivedPoint(metric.name, metric.unit, attributes, 0, point.as_int or point.as_double, [])


def _values(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


def _received(span: Any) -> ReceivedSpan:
    values = _values(span.attributes)
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
    return ReceivedSpan(span.name, *ids, span.status.code, seconds, values)
