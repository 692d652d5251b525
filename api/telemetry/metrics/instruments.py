"""Metrics recorded with OpenTelemetry, named by its conventions for HTTP and generative AI where those have a name."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Histogram, Meter

from api.components import Component, Operation
from api.config import Settings
from api.telemetry.metrics.calls import MeasuredCall
from api.telemetry.metrics.counts import Counts
from api.telemetry.metrics.names import KnownNames
from api.telemetry.metrics.recording import CUT, LLMCall, Metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from prometheus_client import CollectorRegistry

# The boundaries that the conventions advise.
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_OPERATION_SECONDS: Final = tuple(round(0.01 * 2**power, 2) for power in range(14))
_FIRST_TOKEN_SECONDS: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, *_REQUEST_SECONDS[5:])
_TOKENS: Final = tuple(4.0**power for power in range(14))

CLOSE_SECONDS: Final = 3

_Attributes = dict[str, str | int]


def open_metrics(settings: Settings) -> Metrics:
    """Metrics as the settings want them; without them, the OpenTelemetry SDK is not even imported."""
    if not settings.enable_metrics:
        return Metrics()
    from api.telemetry.metrics.provider import open_provider

    return RecordedMetrics(*open_provider(settings.otel_exporter_otlp_metrics_endpoint))


class RecordedMetrics(Metrics):
    """Recorded in a provider and a registry of this container's own, so that two applications in one process are two."""

    enabled = True

    def __init__(self, provider: "MeterProvider", registry: "CollectorRegistry") -> None:
        self._provider = provider
        self._registry = registry
        self._models, self._tools = KnownNames(), KnownNames()
        meter = provider.get_meter("api")
        self._calls = _histogram(meter, "gen_ai.client.operation.duration", "s", _OPERATION_SECONDS)
        self._tokens = _histogram(meter, "gen_ai.client.token.usage", "{token}", _TOKENS)
        self._first_tokens = _histogram(meter, "gen_ai.client.operation.time_to_first_chunk", "s", _FIRST_TOKEN_SECONDS)
        self._tool_calls = _histogram(meter, "gen_ai.execute_tool.duration", "s", _OPERATION_SECONDS)
        self._requests = _histogram(meter, "http.server.request.duration", "s", _REQUEST_SECONDS)
        self._active, self._streams, self._decisions = Counts(), Counts(), Counts()
        meter.create_observable_up_down_counter("http.server.active_requests", [self._active.observed], "{request}")
        meter.create_observable_up_down_counter("streams.active", [self._streams.observed], "{stream}")
        meter.create_observable_counter("routing.decisions", [self._decisions.observed], "{decision}")
        self._fallbacks = meter.create_counter("routing.classifier.fallbacks", "{fallback}")

    def llm_call(self, component: Component, operation: Operation, model: object) -> LLMCall:
        instruments = (self._calls, self._tokens, self._first_tokens)
        return MeasuredCall(*instruments, self._models, component, operation, str(model))

    def routed(self, mode: str, source: str, *, kept: bool) -> None:
        told = (("routing.decision", mode), ("routing.source", source), ("routing.kept", "true" if kept else "false"))
        self._decisions.add(1, told)

    def classifier_failed(self, cause: str) -> None:
        self._fallbacks.add(1, {"error.type": cause})

    @contextmanager
    def tool_call(self, name: str | None) -> Iterator[Callable[[bool], None]]:
        # A name that is no tool's is the model's own word.
        known = "unknown" if name is None else self._tools.learnt(name)
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": known, "error.type": CUT}
        began = time.perf_counter()

        def report(ok: bool) -> None:  # noqa: FBT001
            attributes["error.type"] = "" if ok else "failed"

        try:
            yield report
        finally:
            self._tool_calls.record(time.perf_counter() - began, _without_empty(attributes))

    def stream_began(self) -> None:
        self._streams.add(1, ())

    def stream_ended(self) -> None:
        self._streams.add(-1, ())

    def request_began(self, method: str, scheme: str) -> None:
        self._active.add(1, (("http.request.method", method), ("url.scheme", scheme)))

    def request_ended(self, method: str, scheme: str, seconds: float, route: str | None, status: int | None) -> None:
        self._active.add(-1, (("http.request.method", method), ("url.scheme", scheme)))
        attributes: _Attributes = {"http.request.method": method, "url.scheme": scheme}
        attributes |= {"http.route": route} if route else {}
        attributes |= {"http.response.status_code": status} if status else {}
        if status is None or status >= 500:
            attributes["error.type"] = str(status or CUT)
        self._requests.record(seconds, attributes)

    def page(self) -> tuple[bytes, str]:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def close(self) -> None:
        self._provider.shutdown(timeout_millis=CLOSE_SECONDS * 1_000)


def _histogram(meter: Meter, name: str, unit: str, boundaries: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=boundaries)


def _without_empty(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}
