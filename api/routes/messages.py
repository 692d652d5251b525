"""Anthropic's Messages API: handed to the model as it is, or worked on by the agent, like a chat completion."""

import logging
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from api import passthrough
from api.context import RequestContext, with_user
from api.dependencies import ServiceContainer, services_of
from api.dialects.anthropic import AskedModel, as_chat, asks_to_think, check_message, examples, side_call, without_ours
from api.edge import (
    DirectRoute,
    EventSource,
    anthropic_headers,
    check_resumable,
    parse_request_context,
    read_json_object,
    unless_disconnected,
    validate,
    with_memory,
)
from api.errors import APIError, ModelNotFound, ThreadUnsupported, UpstreamError
from api.llm import COUNT_TOKENS, MESSAGES, Endpoint, LLMAnswer, ModelInfo
from api.reasoning import MessageWriter
from api.routes.answers import as_response, tell
from api.routes.model_names import named_in
from api.routes.openapi import answer_responses, request_body
from api.routes.routed import route_and_answer
from api.routing import always_the_model

router = APIRouter(prefix="/v1", tags=["messages"], route_class=DirectRoute)
_log = logging.getLogger(__name__)

_SHOWN: Final = 100  # models, of those that there are
_ANTHROPIC: Final = "anthropic"
_REQUEST_ID: Final = "request-id"  # as Anthropic's clients look for it
# A provider that does not count, or a LiteLLM that cannot ask it.
_UNCOUNTED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@router.post(
    "/messages",
    responses=answer_responses(
        "AnthropicMessage",
        examples.ANSWER,
        events=("MessageStreamEvent", examples.EVENTS),
        routed=True,
        in_anthropics_form=True,
    ),
    openapi_extra=request_body(MESSAGES.request, examples.REQUESTS, routed=True),
)
async def create_message(request: Request) -> Response:
    """Answers a request of Anthropic's Messages API."""
    services, body, context = await _read(request, MESSAGES)
    model = await services.catalog.find(str(body["model"]))
    if asks_to_think(body) and _cannot_think(model):
        del body["thinking"]

    async def count(counted: Mapping[str, Any]) -> int:
        return await _about(services, counted)

    async def hand_on(context: RequestContext) -> LLMAnswer | EventSource:
        return await passthrough.answer(services.gateway, body, context, MESSAGES, count=count)

    def question() -> dict[str, Any] | str:
        told = as_chat(body, _asked(model))
        if not isinstance(told, str):
            check_message(body)
        return told

    work = route_and_answer(request, context, question, MessageWriter, hand_on)
    return await _with_its_id(request, services, body, work)


@router.post(
    "/messages/count_tokens",
    responses=answer_responses("MessageTokensCount", examples.COUNT, in_anthropics_form=True),
    openapi_extra=request_body(COUNT_TOKENS.request, examples.COUNT_REQUESTS, routed=False),
)
async def count_message_tokens(request: Request) -> Response:
    """Counts the tokens of a request of Anthropic's Messages API, by its provider where that can, else by LiteLLM."""
    services, body, context = await _read(request, COUNT_TOKENS)
    body = {name: value for name, value in body.items() if name != "stream"}
    work = _answered_by_the_model(request, context, _counted(services, body, context))
    return await _with_its_id(request, services, body, work)


async def _read(request: Request, endpoint: Endpoint) -> tuple[ServiceContainer, dict[str, Any], RequestContext]:
    services, context = services_of(request), parse_request_context(request)
    body = await read_json_object(request, **services.settings.body_limits)
    validate(body, endpoint.request)
    check_resumable(context, body)
    if body.get("thread") is not None:
        # LiteLLM would leave it out, and the model would see the newest turn alone.
        raise ThreadUnsupported
    context = await named_in(body, context, services)
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    context = replace(
        with_user(context, {"user": user}),
        provider_headers=anthropic_headers(request.headers.items()),
        side_call=side_call(body) if endpoint is MESSAGES else None,
    )
    return services, body, with_memory(request, context, services.memory)


async def _with_its_id(
    request: Request, services: ServiceContainer, body: Mapping[str, Any], work: Coroutine[Any, Any, Response]
) -> Response:
    try:
        response = await work
    except ModelNotFound as error:
        raise await _with_those_that_there_are(error, services, str(body["model"])) from None
    response.headers.setdefault(_REQUEST_ID, response.headers.get("x-request-id") or request.state.request_id)
    return response


async def _answered_by_the_model(
    request: Request, context: RequestContext, work: Coroutine[Any, Any, LLMAnswer]
) -> Response:
    decision = always_the_model(context, request.url.path)
    tell(request, decision, context)
    return as_response(await unless_disconnected(request, work), decision)


async def _counted(services: ServiceContainer, body: Mapping[str, Any], context: RequestContext) -> LLMAnswer:
    try:
        answer = await passthrough.answer(services.gateway, body, context, COUNT_TOKENS)
    except UpstreamError as error:
        if error.status_code not in _UNCOUNTED:
            raise
        about = await services.lookups.estimate_tokens(without_ours(body))
        return LLMAnswer(to_json({"input_tokens": about}), {})
    assert isinstance(answer, LLMAnswer)  # noqa: S101 - nothing here asks for a stream
    return answer


def _asked(model: ModelInfo | None) -> AskedModel:
    """A model that LiteLLM does not know is told nothing that only Anthropic's understand."""
    if model is None:
        return AskedModel()
    return AskedModel(model.provider == _ANTHROPIC, model.supports_reasoning, model.max_output_tokens)


def _cannot_think(model: ModelInfo | None) -> bool:
    """Whether LiteLLM would refuse to ask this model for thoughts, as clients ask every model that they do not know.

    Anthropic itself says which of its models can; of those that LiteLLM does not know nobody can say that they cannot.
    """
    return (
        model is not None
        and not model.supports_reasoning
        and model.provider is not None
        and model.provider != _ANTHROPIC
    )


async def _about(services: ServiceContainer, body: Mapping[str, Any]) -> int:
    """An answer is worth more than the number of what was read for it."""
    try:
        return await services.lookups.estimate_tokens(body)
    except APIError as error:
        _log.warning("LiteLLM did not count the tokens of a request: %s", error.message)
        return 0


async def _with_those_that_there_are(error: ModelNotFound, services: ServiceContainer, name: str) -> ModelNotFound:
    """Whoever asks for a model that there is not has to be told which there are: such clients have no list to look at."""
    listed = sorted(await services.catalog.names())
    told = ModelNotFound(name, headers=error.headers)
    if listed:
        shown = ", ".join(listed[:_SHOWN]) + (", …" if len(listed) > _SHOWN else "")
        told.message = f"model: {name}. There is no such model here; there are: {shown}."
    return told
