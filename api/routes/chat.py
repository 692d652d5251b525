"""POST /v1/chat/completions."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.context import RequestContext, on_path, with_user
from api.dependencies import ServiceContainer, services_of
from api.dialects.openai import examples
from api.edge import (
    DirectRoute,
    EventSource,
    parse_request_context,
    read_json_object,
    unless_disconnected,
    validate,
    with_memory,
)
from api.llm import LLMAnswer
from api.protocol import ChatCompletionRequest, RoutingMode
from api.reasoning import answer as reason_and_answer
from api.routes.answers import as_response, tell
from api.routes.model_names import named_in
from api.routes.openapi import answer_responses, request_body
from api.routing import RoutingDecision

router = APIRouter(prefix="/v1", tags=["chat"], route_class=DirectRoute)


@router.post(
    "/chat/completions",
    responses=answer_responses(
        "ChatCompletion", examples.CHAT_ANSWER, events=("ChatCompletionChunk", examples.CHAT_EVENTS), routed=True
    ),
    openapi_extra=request_body(ChatCompletionRequest, examples.CHAT_REQUESTS, routed=True),
)
async def create_chat_completion(request: Request) -> Response:
    """Answers a chat completion request as OpenAI's API does."""
    services, context = services_of(request), parse_request_context(request)
    body = await read_json_object(request, **services.settings.body_limits)
    validate(body, ChatCompletionRequest)
    context = await named_in(body, context, services)
    context = with_memory(request, with_user(context, body), services.memory)
    work = _route_and_answer(request, services, body, context)
    answer, decision = await unless_disconnected(request, work)
    return as_response(answer, decision)


async def _route_and_answer(
    request: Request, services: ServiceContainer, body: Mapping[str, Any], context: RequestContext
) -> tuple[LLMAnswer | EventSource, RoutingDecision]:
    default = context.caller.routing_mode or services.settings.routing_default_mode
    asked = on_path(context, context.asked_mode or default)
    decision = await services.router.decide(body, asked, services.mcp_servers.tools())
    context = on_path(asked, decision.mode)
    tell(request, decision, context)
    return await _execute(services, body, context), decision


async def _execute(
    services: ServiceContainer, body: Mapping[str, Any], context: RequestContext
) -> LLMAnswer | EventSource:
    if context.routing_path is RoutingMode.REASONING:
        return await reason_and_answer(services.agent, body, context)
    return await passthrough.answer(services.gateway, body, context)
