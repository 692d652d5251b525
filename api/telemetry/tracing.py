"""Spans for Phoenix: set-up, the span around a request, and the helpers that keep every span honest.

A span's status is ERROR when what it stands for failed, and is left unset otherwise: the SDK ignores an ERROR that comes
after an early OK. Spans of ours never carry tokens or cost; LiteLLM's LLM span of the same trace does, once.
"""

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from threading import Thread
from typing import Any, Literal, Protocol

from openinference.semconv.trace import OpenInferenceSpanKindValues, SpanAttributes
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    Status,
    StatusCode,
    format_trace_id,
    get_current_span,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic_core import to_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.config import Settings
from api.telemetry.light_span import LightSpan
from api.telemetry.logged_errors import summary

SpanKind = Literal["CHAIN", "AGENT", "TOOL"]

TRACE_ID_HEADER = "x-trace-id"
CLOSE_LIMIT = 3.0  # seconds
_KINDS = {kind: OpenInferenceSpanKindValues[kind].value for kind in ("CHAIN", "AGENT", "TOOL")}
MAX_CONTENT_BYTES = 48 * 1024  # of what was asked, and again of what was answered
MAX_FAILURE_BYTES = 8 * 1024
_TRACEPARENT = b"traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()


class SpanSink(Protocol):
    """Where spans go that have ended."""

    def __call__(self, span: LightSpan) -> None: ...
    def send_the_rest(self) -> None:
        """Takes no more, and takes its time."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """Makes spans; without a sink there are none, and what stands for one is the caller's own."""

    sink: SpanSink | None = None
    content: bool = False
    """Whether spans may carry what was said: prompts, answers, tool arguments and results."""

    @property
    def enabled(self) -> bool:
        return self.sink is not None

    def start_span(
        self,
        name: str,
        kind: SpanKind,
        *,
        metadata: Mapping[str, str] | None = None,
        session_id: str | None = None,
        parent: Context | None = None,
    ) -> Span:
        """A span beneath the current one, or the parent's, which the caller has to end."""
        if self.sink is None:
            return get_current_span()
        attributes = {SpanAttributes.OPENINFERENCE_SPAN_KIND: _KINDS[kind]}
        if metadata:
            attributes[SpanAttributes.METADATA] = to_json(metadata).decode()
        if session_id:
            attributes[SpanAttributes.SESSION_ID] = session_id
        return LightSpan(name, attributes, self.sink, parent)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, *, metadata: Mapping[str, str], session_id: str | None = None
    ) -> Iterator[Span]:
        """A span around the block, current within it, and failed if the block raises; a cancellation is no failure."""
        with self.around(self.start_span(name, kind, metadata=metadata, session_id=session_id)) as span:
            yield span

    @contextmanager
    def around(self, span: Span) -> Iterator[Span]:
        """The same for a span that has been started; it ends with the block."""
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except Exception as error:
                record_failure(span, self, error)
                raise

    def close(self) -> None:
        """Sends what is still waiting. Returns after CLOSE_LIMIT at the latest: the exporter itself, whatever time it is
        given, tries for much longer to reach a collector that is down."""
        if self.sink is not None:
            sending = Thread(target=self.sink.send_the_rest, daemon=True)
            sending.start()
            sending.join(CLOSE_LIMIT)


def open_tracing(settings: Settings) -> Tracing:
    """Tracing as the settings want it; without it, the OpenTelemetry SDK and its exporters are not even imported."""
    if not settings.enable_tracing:
        return Tracing()
    from api.telemetry.span_export import open_span_export

    return Tracing(open_span_export(settings), content=settings.trace_content == "on")


def trace_headers(span: Span) -> dict[str, str]:
    """The W3C headers that hang the next service's spans beneath this one; empty when there is no trace to continue."""
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    own = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    states = context.trace_state.to_header()
    return {"traceparent": own, "tracestate": states} if states else {"traceparent": own}


def trace_id(span: Span) -> str | None:
    """The span's trace id, 32 hexadecimal digits."""
    context = span.get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else None


def record_failure(span: Span, tracing: Tracing, error: BaseException | str) -> None:
    """Marks the span failed, with the message a client is shown, so it holds no secret that an error must not.

    A provider's message may quote the prompt: without content an error is told by `errors.summary`. Words of ours always are.
    """
    if isinstance(error, BaseException):
        error = f"{type(error).__name__}: {error}" if tracing.content else summary(error)
    span.set_status(Status(StatusCode.ERROR, cut(error, MAX_FAILURE_BYTES)))


def record_content(span: Span, tracing: Tracing, *, given: str | None = None, result: str | None = None) -> None:
    """What went into the work that the span stands for, and what came of it, if content may be traced at all: as much as fits."""
    if not tracing.content or not span.is_recording():
        return
    if given is not None:
        span.set_attribute(SpanAttributes.INPUT_VALUE, cut(given, MAX_CONTENT_BYTES))
    if result is not None:
        span.set_attribute(SpanAttributes.OUTPUT_VALUE, cut(result, MAX_CONTENT_BYTES))


def cut(text: str, most: int) -> str:
    """The text's beginning, with a note of what is missing, so that it has no more bytes than that."""
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return text
    note = f"\n[… cut: {len(text):,} characters in all]"
    return text[:most].encode()[: most - len(note.encode())].decode(errors="ignore") + note


def annotate_request(
    metadata: Mapping[str, str], *, session_id: str | None, user_id: str, attributes: Mapping[str, str] | None = None
) -> None:
    """Tells the request's own span what became known of the request."""
    span = get_current_span()
    if not span.is_recording():
        return
    told = {SpanAttributes.METADATA: to_json(metadata).decode(), SpanAttributes.USER_ID: user_id, **(attributes or {})}
    if session_id:
        told[SpanAttributes.SESSION_ID] = session_id
    span.set_attributes(told)


class TracingMiddleware:
    """One span for every request that may cause LLM work, open until its last byte has been sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not _may_cause_llm_calls(scope):
            return self._app(scope, receive, send)
        tracing = tracing_of(scope)
        is_of_a_trace = _TRACEPARENT in map(itemgetter(0), scope["headers"])
        if tracing.enabled:
            parent = _PROPAGATOR.extract(Headers(scope=scope)) if is_of_a_trace else None
            return self._trace(tracing, parent, scope, receive, send)
        if is_of_a_trace:
            return self._continue(scope, receive, send)
        return self._app(scope, receive, send)

    async def _continue(self, scope: Scope, receive: Receive, send: Send) -> None:
        with use_span(_caller_span(scope), end_on_exit=False):
            await self._app(scope, receive, send)

    async def _trace(
        self, tracing: Tracing, parent: Context | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        span = tracing.start_span(f"{scope['method']} {scope['path']}", "CHAIN", parent=parent)

        async def send_observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _observe_start(span, message)
            await send(message)

        with tracing.around(span):
            await self._app(scope, receive, send_observed)


def _observe_start(span: Span, message: Message) -> None:
    status = message["status"]
    span.set_attribute("http.response.status_code", status)
    if status == 499:
        span.set_attribute("client.disconnected", True)  # noqa: FBT003
    elif status >= 400:
        span.set_status(Status(StatusCode.ERROR, f"HTTP {status}"))
    if (identifier := trace_id(span)) is not None:
        MutableHeaders(raw=message["headers"])[TRACE_ID_HEADER] = identifier


def _may_cause_llm_calls(scope: Scope) -> bool:
    """Calls, and the look-ups of what became of them, which LiteLLM traces as well."""
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return path.startswith("/v1/") and (scope["method"] == "POST" or path.startswith("/v1/responses/"))


def _caller_span(scope: Scope) -> Span:
    """The caller's own span, so that its trace goes on in LiteLLM's even when this server adds no spans to it."""
    return get_current_span(_PROPAGATOR.extract(Headers(scope=scope), context=Context())) or INVALID_SPAN


def tracing_of(scope: Scope) -> Tracing:
    """That of the server that the request came to."""
    services: Any = scope.get("state", {}).get("services")
    return Tracing() if services is None else services.tracing
