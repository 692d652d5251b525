"""Metrics, named by OpenTelemetry's conventions for HTTP and generative AI where those have a name."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from api.colleagues import Colleagues
from api.components import Component, Operation
from api.config import Settings
from api.telemetry.metrics.aggregates import Aggregates, Attributes
from api.telemetry.metrics.calls import MeasuredCall
from api.telemetry.metrics.names import KnownNames
from api.telemetry.metrics.recording import CUT, LLMCall, Metrics
from api.telemetry.metrics.shared import SharedAggregates

# The boundaries that the conventions advise.
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_OPERATION_SECONDS: Final = tuple(round(0.01 * 2**power, 2) for power in range(14))
_FIRST_TOKEN_SECONDS: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, *_REQUEST_SECONDS[5:])
_TOKENS: Final = tuple(4.0**power for power in range(14))

CLOSE_SECONDS: Final = 3


class _Push(Protocol):
    def shutdown(self, timeout_millis: float) -> None: ...


def open_metrics(settings: Settings, colleagues: Colleagues | None = None) -> Metrics:
    """Metrics as the settings want them, in one of several workers together with the others'."""
    if not settings.enable_metrics:
        return Metrics()
    aggregates, endpoint = Aggregates(), settings.otel_exporter_otlp_metrics_endpoint
    shared = None if colleagues is None else SharedAggregates(aggregates, colleagues)
    if endpoint is None:
        return RecordedMetrics(aggregates, shared=shared)
    from api.telemetry.metrics.otlp import open_push

    return RecordedMetrics(
        aggregates, open_push(aggregates, endpoint, None if colleagues is None else colleagues.name), shared
    )


class RecordedMetrics(Metrics):
    """Added up in this container alone, so that two applications in one process are two."""

    enabled = True

    def __init__(
        self, aggregates: Aggregates, push: _Push | None = None, shared: SharedAggregates | None = None
    ) -> None:
        self._aggregates = aggregates
        self._push, self._shared = push, shared
        self._models, self._tools = KnownNames(), KnownNames()
        histogram, count = aggregates.histogram, aggregates.count
        self._calls = histogram("gen_ai.client.operation.duration", "s", _OPERATION_SECONDS)
        self._tokens = histogram("gen_ai.client.token.usage", "{token}", _TOKENS)
        self._first_tokens = histogram("gen_ai.client.operation.time_to_first_chunk", "s", _FIRST_TOKEN_SECONDS)
        self._tool_calls = histogram("gen_ai.execute_tool.duration", "s", _OPERATION_SECONDS)
        self._requests = histogram("http.server.request.duration", "s", _REQUEST_SECONDS)
        self._active = count("http.server.active_requests", "{request}", grows=False)
        self._streams = count("streams.active", "{stream}", grows=False)
        self._runs = count("runs.active", "{run}", grows=False)
        self._run_bytes = count("runs.kept", "By", grows=False)
        self._decisions = count("routing.decisions", "{decision}")
        self._fallbacks = count("routing.classifier.fallbacks", "{fallback}")

    def llm_call(self, component: Component, operation: Operation, model: object) -> LLMCall:
        instruments = (self._calls, self._tokens, self._first_tokens)
        return MeasuredCall(*instruments, self._models, component, operation, str(model))

    def routed(self, mode: str, source: str, *, kept: bool) -> None:
        told = (("routing.decision", mode), ("routing.source", source), ("routing.kept", "true" if kept else "false"))
        self._decisions.add(1, told)

    def classifier_failed(self, cause: str) -> None:
        self._fallbacks.add(1, (("error.type", cause),))

    @contextmanager
    def tool_call(self, name: str | None) -> Iterator[Callable[[bool], None]]:
        # A name that is no tool's is the model's own word.
        known = "unknown" if name is None else self._tools.learnt(name)
        failed = CUT
        began = time.perf_counter()

        def report(ok: bool) -> None:  # noqa: FBT001
            nonlocal failed
            failed = "" if ok else "failed"

        try:
            yield report
        finally:
            called: Attributes = (("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", known))
            called += (("error.type", failed),) if failed else ()
            self._tool_calls.record(time.perf_counter() - began, called)

    def stream_began(self) -> None:
        self._streams.add(1)

    def stream_ended(self) -> None:
        self._streams.add(-1)

    def run_began(self) -> None:
        self._runs.add(1)

    def run_ended(self) -> None:
        self._runs.add(-1)

    def run_bytes(self, more: int) -> None:
        self._run_bytes.add(more)

    def request_began(self, method: str, scheme: str) -> None:
        self._active.add(1, (("http.request.method", method), ("url.scheme", scheme)))

    def request_ended(self, method: str, scheme: str, seconds: float, route: str | None, status: int | None) -> None:
        self._active.add(-1, (("http.request.method", method), ("url.scheme", scheme)))
        attributes: Attributes = (("http.request.method", method), ("url.scheme", scheme))
        if route:
            attributes += (("http.route", route),)
        if status:
            attributes += (("http.response.status_code", status),)
        if status is None or status >= 500:
            attributes += (("error.type", str(status or CUT)),)
        self._requests.record(seconds, attributes)

    async def page(self) -> tuple[bytes, str]:
        from api.telemetry.metrics import prometheus

        return prometheus.page(self._aggregates if self._shared is None else await self._shared.sum())

    def close(self) -> None:
        if self._shared is not None:
            self._shared.write()
        if self._push is not None:
            self._push.shutdown(timeout_millis=CLOSE_SECONDS * 1_000)
