"""The request straight to the model, the answer as the provider gave it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from opentelemetry.trace import get_current_span
from pydantic_core import to_json

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects import anthropic
from api.dialects.openai import ChunkStream, ResponseStream, WrittenChunks, WrittenResponse, as_it_came
from api.errors import APIError
from api.llm import (
    CHAT_COMPLETIONS,
    RESPONSES,
    Endpoint,
    LLMAnswer,
    LLMGateway,
    LLMStream,
    OwnedResponse,
    StreamForm,
    callers_message,
)
from api.telemetry import Recorder

T = TypeVar("T", covariant=True)


class Method(Protocol[T]):
    """What `LLMGateway.complete` and `.stream` have in common."""

    async def __call__(
        self,
        body: Mapping[str, Any],
        *,
        component: Component,
        operation: Operation,
        context: RequestContext,
        endpoint: Endpoint,
    ) -> T: ...


Count = Callable[[Mapping[str, Any]], Awaitable[int]]


async def answer(
    gateway: LLMGateway,
    body: Mapping[str, Any],
    context: RequestContext,
    endpoint: Endpoint = CHAT_COMPLETIONS,
    *,
    count: Count | None = None,
) -> "LLMAnswer | RestoredStream":
    """The model's answer, streamed if the request asks for it. The request's own span is told what was asked and answered.

    `count` says about how many tokens a request has, for a message whose stream begins without that number.
    """
    body = endpoint.without_ours(body)
    record = Recorder(gateway.tracing, get_current_span())
    record.asked(body)
    owned = _owned(gateway, body, context) if endpoint is RESPONSES else None
    if owned is not None and owned.previous is not None:
        body = {**body, "previous_response_id": owned.litellms_previous()}
    if not body.get("stream"):
        return _restored(await _call(gateway.complete, body, context, endpoint), context, endpoint, record, owned)
    called = await _call(gateway.stream, body, context, endpoint)
    reader = _reader(body, context, endpoint, record, owned)
    stream = RestoredStream(called, reader, record)
    try:
        if count is not None and isinstance(reader, anthropic.MessageStream) and reader.needs_a_count(called.first):
            reader.input_tokens = await count(body)
        await stream.open()
    except BaseException:
        await stream.aclose()
        raise
    return stream


async def _call(method: Method[T], body: Mapping[str, Any], context: RequestContext, endpoint: Endpoint) -> T:
    # A null here says nothing, and where our attribution stands in another field LiteLLM stumbles over it.
    body = {name: value for name, value in body.items() if name != "metadata" or value is not None}
    return await method(
        body,
        component=Component.PASSTHROUGH,
        operation=context.side_call or endpoint.operation,
        context=context,
        endpoint=endpoint,
    )


def _owned(gateway: LLMGateway, body: Mapping[str, Any], context: RequestContext) -> OwnedResponse:
    previous = body.get("previous_response_id")
    return OwnedResponse(gateway.response_ids, context.caller, previous if isinstance(previous, str) else None)


def _restored(
    answer: LLMAnswer,
    context: RequestContext,
    endpoint: Endpoint,
    record: Recorder,
    owned: OwnedResponse | None,
) -> LLMAnswer:
    if endpoint.restore_answer is as_it_came:
        return answer
    body = answer.json()
    endpoint.restore_answer(body, own_fields=context.provider_fields)
    if owned is not None:
        owned.tell(body)
    record.answered(body)
    record.finish()
    return LLMAnswer(to_json(body), answer.headers)


class StreamReader(Protocol):
    """What makes the events of a client's stream of those that LiteLLM sends."""

    @property
    def keepalive(self) -> bytes | None:
        """The event that a silent stream sends; None: a comment, over which every reader passes."""

    @property
    def closing(self) -> bytes:
        """What stands behind all events of a stream that ended well."""

    def take(self, events: bytes) -> Iterator[bytes]: ...
    def end(self) -> bytes: ...
    def error_event(self, error: APIError) -> bytes: ...


class RestoredStream:
    """The events of a stream with what LiteLLM left out of them. To be opened, read once and closed."""

    def __init__(self, stream: LLMStream, reader: StreamReader, record: Recorder) -> None:
        self.headers = stream.headers
        self.reader = reader
        self._stream = stream
        self._record = record
        self._blocks = stream.read(self.reader)
        self._opening = b""

    async def open(self) -> None:
        """Waits for the first event that says something, so that a stream without one still has the failure's status."""
        async for events in self._blocks:
            if events:
                self._opening = events
                return

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The restored events, as many at a time as came together."""
        async with aclosing(self._blocks) as blocks:
            yield self._opening
            async for events in blocks:
                if events:
                    yield events
            if self.reader.closing:
                yield self.reader.closing
        self._record.finish()

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._blocks.aclose()
        await self._stream.aclose()

    @property
    def keepalive(self) -> bytes | None:
        return self.reader.keepalive

    def error_event(self, error: APIError) -> bytes:
        """What the stream ends with when it fails."""
        return self.reader.error_event(error)


def _reader(
    body: Mapping[str, Any],
    context: RequestContext,
    endpoint: Endpoint,
    record: Recorder,
    owned: OwnedResponse | None,
) -> StreamReader:
    if endpoint.stream_form is StreamForm.MESSAGE:
        return anthropic.MessageStream(record.answered if record.wanted else None)
    if owned is not None:
        events = ResponseStream(callers_message, own_fields=context.provider_fields, told=owned.tell)
        return WrittenResponse(events, record.answered)
    options = body.get("stream_options")
    usage_asked = isinstance(options, dict) and bool(options.get("include_usage"))
    chunks = ChunkStream(endpoint.restore_chunk, own_fields=context.provider_fields, usage_asked=usage_asked)
    return WrittenChunks(chunks, record.answered, record.said if record.wanted else None)
