"""The only exit to an LLM.

Every call names the component that makes it and the operation it serves. The gateway says so to LiteLLM (metadata, tags,
spend-log metadata), hangs LiteLLM's spans beneath its own (`traceparent`), and turns whatever goes wrong into `api.errors`.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from openai.types.chat import ChatCompletionMessageParam
from opentelemetry.trace import Span
from pydantic_core import to_json

from api.components import Component, Operation
from api.context import RequestContext
from api.dialects.openai import as_it_came
from api.llm.answers import LLMAnswer, LLMStream, whole_answer
from api.llm.attribution import Purpose, attributed
from api.llm.call_span import CallSpan
from api.llm.call_under_way import CallUnderWay
from api.llm.endpoints import CHAT_COMPLETIONS, RESPONSES, Endpoint, Sought
from api.llm.litellm_client import LiteLLMClient
from api.llm.litellm_fields import PROVIDER_FIELDS, not_on_its_list
from api.llm.litellm_transport import Reply
from api.llm.memory_service import HEADERS, MemoryService
from api.llm.own_key import OwnKey
from api.llm.response_ids import ResponseIds
from api.llm.spend_watch import SpendWatch
from api.llm.structured import Parsed, parsed
from api.llm.upstream_errors import error_of_answer
from api.llm.upstream_headers import handed_on
from api.memory import NO_MEMORY, MemoryRouting
from api.telemetry import Metrics, Tracing, trace_headers, trace_id

# By itself, and to those providers that know them.
_HANDED_ON_BY_LITELLM: Final = frozenset({"anthropic-beta", "anthropic-version"})


class LLMGateway:
    """Each method takes a JSON body as a caller may send it and, keyword-only, what the call is for.

    All raise `UpstreamError` with LiteLLM's status and message, `UpstreamUnreachable` or `UpstreamTimeout`.
    """

    def __init__(
        self,
        client: LiteLLMClient,
        tracing: Tracing,
        metrics: Metrics,
        own_key: OwnKey,
        spend: SpendWatch,
        memory: MemoryRouting = NO_MEMORY,
    ) -> None:
        self._client = client
        self.tracing = tracing
        self._metrics = metrics
        self._own_key = own_key
        self._spend = spend
        self._memory = MemoryService(memory)
        self.response_ids = ResponseIds(client.api_key)

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
        with (
            self._metrics.llm_call(component, operation, body.get("model")) as call,
            CallSpan(self.tracing, purpose) as span,
        ):
            content = self._content(body, purpose, span, endpoint)
            reply = await self._send(endpoint.path, content, _headers(purpose, span))
            try:
                read = await reply.read()
            finally:
                await reply.aclose()
            answer = LLMAnswer(read, self._handed_on(reply.headers, body, context))
            call.answered(answer.json)
            self._spend.answered(reply.headers)
            if endpoint.check_answer is not as_it_came:
                endpoint.check_answer(answer.json())
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
        call = self._metrics.llm_call(component, operation, body.get("model"))
        under_way = CallUnderWay(call, CallSpan(self.tracing, purpose))
        try:
            content = self._content(_asking_for_usage(body, endpoint), purpose, under_way.span, endpoint)
            headers = _headers(purpose, under_way.span)
            reply = under_way.reply = await self._send(endpoint.path, content, headers, silence=endpoint.silence)
            events = whole_answer(reply.blocks(), endpoint, [call.streamed, self._spend.streamed])
            first = await anext(events)
            return LLMStream(first, events, self._handed_on(reply.headers, body, context), under_way)
        except BaseException as error:
            await under_way.end(error)
            raise

    async def look_up(self, sought: Sought, litellms_id: str, *, context: RequestContext) -> LLMAnswer:
        """What becomes of a response that its provider has kept. No model works for it, so that nothing is charged."""
        purpose = Purpose(Component.PASSTHROUGH, Operation.KEPT_RESPONSE, context, await self._own_key.environment())
        with CallSpan(self.tracing, purpose) as span:
            # All of them are this server's own words.
            endpoint = replace(RESPONSES, documented=frozenset(sought.fields))
            content = self._content(sought.fields, purpose, span, endpoint)
            reply = await self._send(sought.path(litellms_id), content, _headers(purpose, span), method=sought.method)
            try:
                return LLMAnswer(await reply.read(), handed_on(reply.headers))
            finally:
                await reply.aclose()

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
        with self._metrics.llm_call(component, operation, model) as call, CallSpan(self.tracing, purpose) as span:
            response = await self._client.chat.completions.with_raw_response.parse(
                model=model,
                messages=messages,
                response_format=schema,
                temperature=temperature,
                extra_headers=_headers(purpose, span),
                extra_body={
                    "drop_params": True,
                    **attributed({}, purpose, trace_id(span)),
                    **self._memory_headers(model, context),
                },
            )
            call.answered(LLMAnswer(response.content, {}).json)
            self._spend.answered(response.headers)
            self._memory.answered(model, context, response.headers)
            return parsed(response.parse)

    async def environment(self) -> str | None:
        """The environment of this server's key, which each call carries: asked for seldom, and then before the call."""
        return await self._own_key.environment()

    def _content(self, body: Mapping[str, Any], purpose: Purpose, span: Span, endpoint: Endpoint) -> bytes:
        told = attributed(
            body,
            purpose,
            trace_id(span),
            endpoint.metadata_field,
            endpoint.documented,
            metadata_fields=endpoint.metadata_fields,
        )
        if endpoint.keeps_a_list and (dropped := not_on_its_list(body, endpoint.documented)):
            told[endpoint.metadata_field][PROVIDER_FIELDS] = dropped
        headers = purpose.context.provider_headers
        if others := {name: value for name, value in headers if name not in _HANDED_ON_BY_LITELLM}:
            told[HEADERS] = others
        return to_json(self._memory.told(told, purpose.context))

    def _memory_headers(self, model: str, context: RequestContext) -> dict[str, Any]:
        headers = self._memory.headers(model, context)
        return {HEADERS: headers} if headers else {}

    def _handed_on(
        self, headers: Mapping[str, str], body: Mapping[str, Any], context: RequestContext
    ) -> dict[str, str]:
        return self._memory.answered(str(body.get("model")), context, headers) | handed_on(headers)

    async def _send(
        self,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        """The reply, to be closed, if it is none that says what went wrong."""
        reply = await self._client.send(path, content, headers, silence=silence, method=method)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return reply
        try:
            raise error_of_answer(reply.status, reply.headers, await reply.read())
        finally:
            await reply.aclose()


def _asking_for_usage(body: Mapping[str, Any], endpoint: Endpoint) -> Mapping[str, Any]:
    """LiteLLM keeps `stream_options` from providers that have none."""
    if not endpoint.tells_usage_if_asked:
        return body
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def _headers(purpose: Purpose, span: Span) -> dict[str, str]:
    return trace_headers(span) | purpose.headers() | dict(purpose.context.provider_headers)
