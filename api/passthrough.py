"""The request straight to the model, the answer as the provider gave it."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from opentelemetry.trace import get_current_span
from pydantic_core import to_json

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects.openai import (
    DONE,
    ChunkStream,
    ResponseStream,
    WrittenChunks,
    as_it_came,
    error_event,
    response_error_event,
)
from api.errors import APIError
from api.llm import CHAT_COMPLETIONS, Endpoint, LLMAnswer, LLMGateway, LLMStream, callers_message
from api.sse import event
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


async def answer(
    gateway: LLMGateway, body: Mapping[str, Any], context: RequestContext, endpoint: Endpoint = CHAT_COMPLETIONS
) -> "LLMAnswer | RestoredStream":
    """The model's answer, streamed if the request asks for it. The request's own span is told what was asked and answered."""
    record = Recorder(gateway.tracing, get_current_span())
    record.asked(body)
    if not body.get("stream"):
        return _restored(await _call(gateway.complete, body, context, endpoint), context, endpoint, record)
    stream = RestoredStream(await _call(gateway.stream, body, context, endpoint), body, context, endpoint, record)
    await stream.open()
    return stream


async def _call(method: Method[T], body: Mapping[str, Any], context: RequestContext, endpoint: Endpoint) -> T:
    # A null here says nothing, and where our attribution stands in another field LiteLLM stumbles over it.
    body = {name: value for name, value in body.items() if name != "metadata" or value is not None}
    return await method(
        body, component=Component.PASSTHROUGH, operation=endpoint.operation, context=context, endpoint=endpoint
    )


def _restored(answer: LLMAnswer, context: RequestContext, endpoint: Endpoint, record: Recorder) -> LLMAnswer:
    if endpoint.restore_answer is as_it_came:
        return answer
    body = answer.json()
    endpoint.restore_answer(body, own_fields=context.provider_fields)
    record.answered(body)
    record.finish()
    return LLMAnswer(to_json(body), answer.headers)


class RestoredStream:
    """The events of a stream with what LiteLLM left out of them. To be opened, read once and closed."""

    def __init__(
        self,
        stream: LLMStream,
        body: Mapping[str, Any],
        context: RequestContext,
        endpoint: Endpoint,
        record: Recorder,
    ) -> None:
        self.headers = stream.headers
        self._stream = stream
        self._record = record
        self._reader = _reader(body, context, endpoint, record)
        self._blocks = stream.read(self._reader)
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
            if isinstance(self._reader, WrittenChunks):
                yield DONE
        self._record.finish()

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._blocks.aclose()
        await self._stream.aclose()

    def error_event(self, error: APIError) -> bytes:
        """What the stream ends with when it fails: named events are the Responses API's, whose error is a numbered event too."""
        if isinstance(self._reader, WrittenChunks):
            return error_event(error)
        return response_error_event(error, self._reader.next_number)


class _WrittenEvents:
    """A reader of a response's stream that gives bytes."""

    def __init__(self, events: ResponseStream, record: Recorder) -> None:
        self._events = events
        self._record = record

    @property
    def next_number(self) -> int:
        return self._events.next_number

    def take(self, events: bytes) -> Iterator[bytes]:
        return map(self._written, self._events.take(events))

    def end(self) -> bytes:
        return self._written(self._events.end())

    def _written(self, events: list[dict[str, Any]]) -> bytes:
        for happened in events:
            self._record.answered(happened)
        return b"".join(event(happened, name=str(happened.get("type", "message"))) for happened in events)


def _reader(
    body: Mapping[str, Any], context: RequestContext, endpoint: Endpoint, record: Recorder
) -> WrittenChunks | _WrittenEvents:
    if endpoint.named_events:
        return _WrittenEvents(ResponseStream(callers_message, own_fields=context.provider_fields), record)
    options = body.get("stream_options")
    usage_asked = isinstance(options, dict) and bool(options.get("include_usage"))
    chunks = ChunkStream(endpoint.restore_chunk, own_fields=context.provider_fields, usage_asked=usage_asked)
    return WrittenChunks(chunks, record.answered, record.said if record.wanted else None)
