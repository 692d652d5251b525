"""The aggregates pushed over OTLP. The OpenTelemetry SDK is imported here alone, so only where they are."""

import time
from typing import Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from api.telemetry.metrics.aggregates import Aggregates, Counts, Histogram
from api.telemetry.metrics.names import SERVICE_NAME

# What one push could not deliver, the next one tells again: it is not worth holding up the end of the process.
PUSH_SECONDS: Final = 3
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


def open_push(aggregates: Aggregates, endpoint: str, instance: str | None = None) -> PeriodicExportingMetricReader:
    """Pushes every minute, or as OTEL_METRIC_EXPORT_INTERVAL has it, and once more when it is shut down.

    `instance` tells one of several workers from the others, whose series would be the same ones.
    """
    reader = PeriodicExportingMetricReader(_exporter(endpoint))
    resource = Resource.create({"service.name": SERVICE_NAME} | ({"service.instance.id": instance} if instance else {}))

    def collect(_reader: Any, *_arguments: Any, **_options: Any) -> MetricsData:
        return _data(aggregates, resource)

    # A reader asks whoever has set this; that is all it wants of a provider.
    reader._set_collect_callback(collect)  # noqa: SLF001
    return reader


def _exporter(endpoint: str) -> MetricExporter:
    """Told apart as the endpoint of the spans is: OTLP over HTTP has a path of its own, gRPC has none."""
    if endpoint.endswith("/v1/metrics"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HTTPExporter

        return HTTPExporter(endpoint=endpoint, timeout=PUSH_SECONDS)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GRPCExporter

    return GRPCExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=PUSH_SECONDS)


def _data(aggregates: Aggregates, resource: Resource) -> MetricsData:
    now = time.time_ns()
    metrics = [_histogram(each, aggregates.since, now) for each in aggregates.histograms if each.told()]
    metrics += [_counts(each, aggregates.since, now) for each in aggregates.counts if each.told()]
    scope = ScopeMetrics(InstrumentationScope("api"), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _histogram(histogram: Histogram, since: int, now: int) -> Metric:
    points = [
        HistogramDataPoint(
            dict(attributes),
            since,
            now,
            sum(point.counts),
            point.total,
            point.counts,
            histogram.bounds,
            point.lowest,
            point.highest,
        )
        for attributes, point in histogram.told()
    ]
    return Metric(histogram.name, "", histogram.unit, HistogramData(points, _CUMULATIVE))


def _counts(counts: Counts, since: int, now: int) -> Metric:
    points = [NumberDataPoint(dict(attributes), since, now, number) for attributes, number in counts.told()]
    return Metric(counts.name, "", counts.unit, Sum(points, _CUMULATIVE, is_monotonic=counts.grows))
