"""POST /v1/chat/completions."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.context import RequestContext, with_user
from api.dependencies import services_of
from api.dialects.openai import examples, side_call
from api.edge import (
    DirectRoute,
    EventSource,
    check_resumable,
    parse_request_context,
    read_json_object,
    validate,
    with_memory,
)
from api.llm import LLMAnswer
from api.protocol import ChatCompletionRequest
from api.reasoning import ChatWriter
from api.routes.model_names import named_in
from api.routes.openapi import answer_responses, request_body
from api.routes.routed import route_and_answer

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
    check_resumable(context, body)
    context = with_memory(request, with_user(context, body), services.memory)
    context = replace(context, side_call=side_call(body))

    async def hand_on(context: RequestContext) -> LLMAnswer | EventSource:
        return await passthrough.answer(services.gateway, body, context)

    return await route_and_answer(request, context, body, ChatWriter, hand_on)
