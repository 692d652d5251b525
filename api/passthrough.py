"""The request straight to the model, the answer as the provider gave it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from opentelemetry.trace import get_current_span
from pydantic_core import to_json

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects.openai import DONE, ChunkStream, ResponseStream, as_it_came, error_event, response_error_event
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
        self._reader = _reader(body, context, endpoint)
        self._blocks = stream.read(self._reader)
        self._opening: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Waits for the first event that says something, so that a stream without one still has the failure's status."""
        async for chunks in self._blocks:
            if chunks:
                self._opening = chunks
                return

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The restored events, as many at a time as came together."""
        async with aclosing(self._blocks) as blocks:
            yield self._as_bytes(self._opening)
            async for chunks in blocks:
                if chunks:
                    yield self._as_bytes(chunks)
            if not self._is_response:
                yield DONE
        self._record.finish()

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._blocks.aclose()
        await self._stream.aclose()

    def error_event(self, error: APIError) -> bytes:
        """What the stream ends with when it fails: named events are the Responses API's, whose error is a numbered event too."""
        if isinstance(self._reader, ResponseStream):
            return response_error_event(error, self._reader.next_number)
        return error_event(error)

    @property
    def _is_response(self) -> bool:
        return isinstance(self._reader, ResponseStream)

    def _as_bytes(self, chunks: list[dict[str, Any]]) -> bytes:
        for chunk in chunks:
            self._record.answered(chunk)
        return b"".join(
            event(chunk, name=str(chunk.get("type", "message")) if self._is_response else None) for chunk in chunks
        )


def _reader(body: Mapping[str, Any], context: RequestContext, endpoint: Endpoint) -> ChunkStream | ResponseStream:
    if endpoint.named_events:
        return ResponseStream(callers_message, own_fields=context.provider_fields)
    options = body.get("stream_options")
    usage_asked = isinstance(options, dict) and bool(options.get("include_usage"))
    return ChunkStream(endpoint.restore_chunk, own_fields=context.provider_fields, usage_asked=usage_asked)
