"""The request straight to the model, the answer as the provider gave it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from opentelemetry.trace import get_current_span
from pydantic_core import to_json

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects.openai import DONE, as_it_came, ends_with_done, error_event, response_error_event
from api.errors import APIError
from api.llm import CHAT_COMPLETIONS, Endpoint, LLMAnswer, LLMGateway, LLMStream
from api.sse import event, payloads
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
    return RestoredStream(await _call(gateway.stream, body, context, endpoint), body, context, endpoint, record)


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
    """The events of a stream with what LiteLLM left out of them."""

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
        self._endpoint = endpoint
        self._record = record
        options = body.get("stream_options")
        self._usage_asked = isinstance(options, dict) and bool(options.get("include_usage"))
        self._own_fields = context.provider_fields
        self._sequence_number = -1

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The restored events, as many at a time as came together."""
        async with aclosing(self._stream.events()) as blocks:
            async for events in blocks:
                restored = b"".join(map(self._restored, payloads(events)))
                done = DONE if ends_with_done(events) and not self._endpoint.named_events else b""
                if restored or done:
                    yield restored + done
        self._record.finish()

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._stream.aclose()

    def error_event(self, error: APIError) -> bytes:
        """What the stream ends with when it fails: named events are the Responses API's, whose error is a numbered event too."""
        if not self._endpoint.named_events:
            return error_event(error)
        return response_error_event(error, self._sequence_number + 1)

    def _restored(self, chunk: dict[str, Any]) -> bytes:
        tells_usage = bool(chunk.get("usage"))
        self._endpoint.restore_chunk(chunk, own_fields=self._own_fields, usage_asked=self._usage_asked)
        if tells_usage and not chunk.get("usage") and not chunk["choices"]:
            return b""  # the gateway asked for it, not the caller
        self._record.answered(chunk)
        if not self._endpoint.named_events:
            return event(chunk)
        number = chunk.get("sequence_number")
        self._sequence_number = number if isinstance(number, int) else self._sequence_number + 1
        return event(chunk, name=str(chunk.get("type", "message")))
