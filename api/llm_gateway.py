"""The only exit to an LLM.

Every call names the component that makes it and the operation it serves. The gateway says so to LiteLLM (metadata, tags,
spend-log metadata), hangs LiteLLM's spans beneath its own (`traceparent`), and turns whatever goes wrong into `api.errors`.
"""

import asyncio
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionMessageParam, ParsedChatCompletion
from opentelemetry.trace import Span
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from api.attribution import Component, Operation, Purpose, attributed
from api.contract import refusal
from api.endpoints import CHAT_COMPLETIONS, Endpoint
from api.errors import AnswerUnusable, APIError, NotReady, UpstreamError, UpstreamStreamBroken
from api.metrics import LLMCall, Metrics
from api.own_key import OwnKey
from api.request_context import RequestContext
from api.sse import complete_events, ends_with_done, split_at_error
from api.tracing import Tracing, record_failure, trace_headers, trace_id
from api.upstream_errors import error_of_event, mapped
from api.upstream_headers import handed_on

MODELS: Final = "/models"
MODEL_INFO: Final = "/model/info"
KEY_INFO: Final = "/key/info"
CUT: Final = "call.cut"
READY_WITHIN: Final = 4.5  # seconds; who asks for readiness often waits for 5 s, and shall read why there is none
# LiteLLM let the key in, but has no row of it (the master key), or does not let it ask (a key for LLM routes alone).
_HAS_NO_INFO: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})

Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LLMAnswer:
    """A complete answer: its bytes as LiteLLM sent them, and the headers that a caller may see."""

    content: bytes
    headers: dict[str, str]
    _parsed: list[Any] = field(default_factory=list, repr=False, compare=False)

    def json(self) -> Any:
        """The parsed body: parsed once, so the same object whoever asks.

        Raises:
            UpstreamStreamBroken: it is no JSON.
        """
        try:
            if not self._parsed:
                self._parsed.append(from_json(self.content))
        except ValueError:
            raise UpstreamStreamBroken("LiteLLM's answer is not JSON.") from None
        return self._parsed[0]


class LLMStream:
    """The events of a streamed answer. The call and its span end with the last event, a failure or `aclose()`."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncIterator[bytes],
        headers: dict[str, str],
        resources: AsyncExitStack,
        span: Span,
        call: LLMCall,
    ) -> None:
        self.headers = headers
        self._span = span
        self._call = call
        self._first = first
        self._rest = rest
        self._resources = resources

    async def events(self) -> AsyncGenerator[bytes, None]:
        """One or more whole events at a time, as LiteLLM sent them, `[DONE]` last. To be read once.

        Raises:
            UpstreamError: the provider failed in mid-stream.
            UpstreamStreamBroken: the answer ended before `[DONE]`.
        """
        async with self._resources:
            with _cut_unless_ended(self._span):
                yield self._first
                async for events in self._rest:
                    self._call.streamed(events)
                    yield events

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._resources.aclose()


class LLMGateway:
    """Each method takes a JSON body as a caller may send it and, keyword-only, what the call is for.

    All raise `UpstreamError` with LiteLLM's status and message, `UpstreamUnreachable` or `UpstreamTimeout`.
    """

    def __init__(
        self, client: AsyncOpenAI, tracing: Tracing, metrics: Metrics, ready_within: float = READY_WITHIN
    ) -> None:
        self._client = client
        self._ready_within = ready_within
        self.tracing = tracing
        self._metrics = metrics
        self._root = str(client.base_url).rstrip("/").removesuffix("/v1")
        self._own_key = OwnKey(self._key_info)

    async def complete(
        self,
        body: Mapping[str, Any],
        *,
        component: Component,
        operation: Operation,
        context: RequestContext,
        endpoint: Endpoint = CHAT_COMPLETIONS,
    ) -> LLMAnswer:
        """One call, answered at once."""
        purpose = Purpose(component, operation, context, await self._own_key.environment())
        with self._metrics.llm_call(component, operation, body.get("model")) as call, self._span(purpose) as span:
            response = await self._client.post(
                endpoint.path,
                cast_to=httpx.Response,
                content=_content(body, purpose, span, endpoint),
                options={"headers": _headers(purpose, span)},
            )
            answer = LLMAnswer(response.content, handed_on(response.headers))
            call.answered(answer.json)
        return answer

    async def stream(
        self,
        body: Mapping[str, Any],
        *,
        component: Component,
        operation: Operation,
        context: RequestContext,
        endpoint: Endpoint = CHAT_COMPLETIONS,
    ) -> LLMStream:
        """One call, answered event by event. Returns once the first event is there, so that a failure still has its status.

        LiteLLM is asked for the usage whether or not the body does: without it, it charges nothing for a text completion.
        """
        purpose = Purpose(component, operation, context, await self._own_key.environment())
        async with AsyncExitStack() as resources:
            call = resources.enter_context(self._metrics.llm_call(component, operation, body.get("model")))
            span = resources.enter_context(self._span(purpose))
            content = _content(_asking_for_usage(body, endpoint), purpose, span, endpoint)
            response = await self._open_stream(endpoint.path, content, _headers(purpose, span))
            resources.push_async_callback(response.aclose)
            events = _whole_answer(response)
            first = await anext(events)
            call.streamed(first)
            return LLMStream(first, events, handed_on(response.headers), resources.pop_all(), span, call)

    async def parse(
        self,
        model: str,
        messages: list[ChatCompletionMessageParam],
        schema: type[Parsed],
        *,
        component: Component,
        operation: Operation,
        context: RequestContext,
        temperature: float,
    ) -> Parsed:
        """One call whose answer is an object of `schema`. LiteLLM leaves out what the model cannot take, such as a temperature.

        Raises:
            AnswerUnusable: the model refused, or answered with something else.
        """
        purpose = Purpose(component, operation, context, await self._own_key.environment())
        with self._metrics.llm_call(component, operation, model) as call, self._span(purpose) as span:
            response = await self._client.chat.completions.with_raw_response.parse(
                model=model,
                messages=messages,
                response_format=schema,
                temperature=temperature,
                extra_headers=_headers(purpose, span),
                extra_body=attributed({"drop_params": True}, purpose, trace_id(span)),
            )
            call.answered(LLMAnswer(response.content, {}).json)
            return _parsed(response.parse)

    async def list_models(self) -> Any:
        """The models that this server's key may use: the body of LiteLLM's `/v1/models`. Nothing is charged or attributed."""
        return (await self._get(MODELS)).json()

    async def model_info(self) -> Any:
        """What LiteLLM knows of each of them: the body of its `/v1/model/info`."""
        return (await self._get(MODEL_INFO)).json()

    async def environment(self) -> str | None:
        """The environment of this server's key, which each call carries: asked for seldom, and then before the call."""
        return await self._own_key.environment()

    async def check(self) -> None:
        """Is LiteLLM ready, its database included, and does it accept our key?

        Raises:
            NotReady: it is not, and why; or it did not say so in time.
        """
        try:
            async with asyncio.timeout(self._ready_within):
                await self._check_litellm()
                await self._check_key()
        except TimeoutError:
            raise NotReady(f"LiteLLM did not say within {self._ready_within:g} s whether it is ready.") from None
        except APIError as error:
            raise NotReady(error.message) from error

    async def _check_litellm(self) -> None:
        readiness = (await self._get(f"{self._root}/health/readiness")).json()
        if not isinstance(readiness, dict) or readiness.get("db") != "connected":
            raise NotReady("LiteLLM has lost its database.")

    async def _check_key(self) -> None:
        """By the key's own row, which LiteLLM reads from the database: its readiness and its models come from caches."""
        try:
            answer = await self._key_info()
        except UpstreamError as error:
            if error.status_code not in _HAS_NO_INFO:
                raise
            await self.list_models()
            return
        info = answer.get("info") if isinstance(answer, dict) else None
        if not isinstance(info, dict) or info.get("status", "active") != "active":
            raise NotReady("LiteLLM does not list this server's LLM_API_KEY as active.")
        self._own_key.learn(answer)

    async def _get(self, path: str) -> LLMAnswer:
        try:
            response = await self._client.get(path, cast_to=httpx.Response)
        except Exception as error:
            raise mapped(error) from error
        return LLMAnswer(response.content, handed_on(response.headers))

    async def _key_info(self) -> Any:
        return (await self._get(f"{self._root}{KEY_INFO}")).json()

    async def _open_stream(self, path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        stream = await self._client.post(
            path,
            cast_to=object,
            content=content,
            options={"headers": headers},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        return stream.response

    @contextmanager
    def _span(self, purpose: Purpose) -> Iterator[Span]:
        """The span of one call. A failure leaves it mapped to what the client is told; a call that is cancelled was cut."""
        name = f"{purpose.component}.{purpose.operation}"
        span = self.tracing.start_span(
            name, "CHAIN", metadata=purpose.metadata(), session_id=purpose.context.session_id
        )
        try:
            with _cut_unless_ended(span):
                yield span
        except Exception as error:
            failure = mapped(error)
            record_failure(span, self.tracing, failure)
            raise failure from error
        finally:
            span.end()


@contextmanager
def _cut_unless_ended(span: Span) -> Iterator[None]:
    """Marks the call whose client, or whose time limit, did not let it end: it has used something, and nobody got it all."""
    try:
        yield
    except (CancelledError, GeneratorExit):
        span.set_attribute(CUT, True)  # noqa: FBT003
        raise


def _parsed(parse: Callable[[], ParsedChatCompletion[Parsed]]) -> Parsed:
    """The object in the answer. The SDK trusts an answer with 200 to be a chat completion and stumbles over any other."""
    try:
        choices = parse().choices
        message = choices[0].message if choices else None
        if message is not None and message.parsed is not None:
            return message.parsed
        refused = message is not None and refusal(message.to_dict())
    except ValidationError:
        raise
    except (ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
        raise AnswerUnusable("the answer is no chat completion") from error
    raise AnswerUnusable("the model refused" if refused else "the answer was empty")


async def _whole_answer(response: httpx.Response) -> AsyncIterator[bytes]:
    """The events up to `[DONE]`; an error event, or an end before it, is raised."""
    events = b""
    async for block in complete_events(response.aiter_bytes()):
        events, error = split_at_error(block)
        if events:
            yield events
        if error is not None:
            raise error_of_event(error)
    if not ends_with_done(events):
        raise UpstreamStreamBroken("LiteLLM's answer ended before it was complete.")


def _asking_for_usage(body: Mapping[str, Any], endpoint: Endpoint) -> Mapping[str, Any]:
    """LiteLLM keeps `stream_options` from providers that have none."""
    if not endpoint.tells_usage_if_asked:
        return body
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def _headers(purpose: Purpose, span: Span) -> dict[str, str]:
    return trace_headers(span) | purpose.headers()


def _content(body: Mapping[str, Any], purpose: Purpose, span: Span, endpoint: Endpoint) -> bytes:
    return to_json(attributed(body, purpose, trace_id(span), endpoint.metadata_field))
