"""The OpenTelemetry SDK: imported only when metrics are on."""

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry

SERVICE_NAME = "reasoning-agent-api"
# What one push could not deliver, the next one tells again: it is not worth holding up the end of the process.
PUSH_SECONDS = 3


def open_provider(otlp_endpoint: str | None) -> tuple[MeterProvider, CollectorRegistry]:
    """A provider that `/metrics` reads through the registry, and that pushes to the endpoint if there is one."""
    registry = CollectorRegistry()
    readers: list[MetricReader] = [PrometheusMetricReader(scope_info_enabled=False, registry=registry)]
    if otlp_endpoint:
        readers.append(PeriodicExportingMetricReader(_exporter(otlp_endpoint)))
    provider = MeterProvider(
        readers,
        Resource.create({"service.name": SERVICE_NAME}),
        # An example of each bucket costs more to keep than the count itself, and Prometheus' text has no place for it.
        exemplar_filter=AlwaysOffExemplarFilter(),
        shutdown_on_exit=False,
    )
    return provider, registry


def _exporter(endpoint: str) -> MetricExporter:
    """Told apart as the endpoint of the spans is: OTLP over HTTP has a path of its own, gRPC has none."""
    if endpoint.endswith("/v1/metrics"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HTTPExporter

        return HTTPExporter(endpoint=endpoint, timeout=PUSH_SECONDS)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GRPCExporter

    return GRPCExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=PUSH_SECONDS)
