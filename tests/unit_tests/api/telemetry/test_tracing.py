"""What a failed span says of its failure, with content and without."""

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.streaming import EventStreamResponse
from api.errors import UpstreamError
from api.telemetry.metrics.recording import Metrics
from api.telemetry.span_export import SpanExport
from api.telemetry.tracing import Tracing, TracingMiddleware, record_failure

QUOTING = UpstreamError(400, {"message": "cannot answer: my prompt", "code": "bad_prompt"})


class Traced:
    """Tracing whose spans can be looked at."""

    def __init__(self, *, content: bool) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracing = Tracing(SpanExport(SimpleSpanProcessor(self._exporter), Resource({})), content)

    @property
    def said(self) -> str | None:
        """The status of the one span."""
        [span] = self._exporter.get_finished_spans()
        assert span.events == ()
        return span.status.description

    async def request(self, app: ASGIApp) -> None:
        """A request that this application answers."""
        services = SimpleNamespace(tracing=self.tracing, metrics=Metrics())
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(_message: Message) -> None:
            pass

        await TracingMiddleware(app)(scope | {"state": {"services": services}}, receive, send)


@pytest.fixture(params=[True, False], ids=["content on", "content off"])
def traced(request: pytest.FixtureRequest) -> Traced:
    return Traced(content=request.param)


def _expected(traced: Traced, full: str, summary: str) -> str:
    return full if traced.tracing.content else summary


def test_a_failed_span_has_the_message_only_with_content(traced: Traced) -> None:
    with pytest.raises(UpstreamError), traced.tracing.span("s", "CHAIN", metadata={}):
        raise QUOTING
    assert traced.said == _expected(traced, "UpstreamError: cannot answer: my prompt", "UpstreamError 400 bad_prompt")


def test_words_of_ours_are_said_with_and_without_content(traced: Traced) -> None:
    with traced.tracing.span("s", "CHAIN", metadata={}) as span:
        record_failure(span, traced.tracing, "the call failed")
    assert traced.said == "the call failed"


async def test_a_request_that_fails_unforeseen_has_the_message_only_with_content(traced: Traced) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("my prompt")

    with pytest.raises(LookupError):
        await traced.request(broken)
    assert traced.said == _expected(traced, "LookupError: my prompt", "LookupError")


class Breaking:
    """A source that fails after its first event."""

    headers: dict[str, str] = {}  # noqa: RUF012 - a protocol's field

    async def events(self) -> AsyncGenerator[bytes, None]:
        yield b"data: {}\n\n"
        raise QUOTING

    async def aclose(self) -> None:
        pass


async def test_a_request_whose_stream_breaks_has_the_message_only_with_content(traced: Traced) -> None:
    async def streaming(scope: Scope, _receive: Receive, send: Send) -> None:
        async def waiting() -> Any:
            raise AssertionError("nobody may ask")

        scope["asgi"] = {"spec_version": "2.4"}
        await EventStreamResponse(Breaking(), headers={})(scope, waiting, send)

    await traced.request(streaming)
    assert traced.said == _expected(traced, "UpstreamError: cannot answer: my prompt", "UpstreamError 400 bad_prompt")
