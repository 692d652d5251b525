"""POST /v1/responses."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.context import RequestContext, with_user
from api.dependencies import services_of
from api.dialects.openai import chat_request, check_response, examples, in_responses_words, side_call
from api.edge import (
    DirectRoute,
    EventSource,
    check_resumable,
    parse_request_context,
    read_json_object,
    validate,
    with_memory,
)
from api.errors import APIError
from api.llm import RESPONSES, LLMAnswer
from api.protocol import ResponseRequest, RoutingMode
from api.reasoning import ResponseWriter
from api.routes.model_names import named_in
from api.routes.openapi import answer_responses, request_body
from api.routes.routed import route_and_answer

router = APIRouter(prefix="/v1", tags=["responses"], route_class=DirectRoute)


@router.post(
    "/responses",
    responses=answer_responses(
        "Response", examples.RESPONSE_ANSWER, events=("ResponseEvent", examples.RESPONSE_EVENTS), routed=True
    ),
    openapi_extra=request_body(ResponseRequest, examples.RESPONSE_REQUESTS, routed=True),
)
async def create_response(request: Request) -> Response:
    """Answers a request of the Responses API."""
    services, context = services_of(request), parse_request_context(request)
    body = await read_json_object(request, **services.settings.body_limits)
    validate(body, ResponseRequest)
    check_resumable(context, body)
    context = await named_in(body, context, services)
    context = with_memory(request, with_user(context, body), services.memory)
    context = replace(context, side_call=side_call(body))

    def question() -> Mapping[str, Any] | str:
        chat = chat_request(body)
        if context.asked_mode is RoutingMode.REASONING and not isinstance(chat, str):
            check_response(body)
        return chat

    async def hand_on(context: RequestContext) -> LLMAnswer | EventSource:
        return await passthrough.answer(services.gateway, body, context, RESPONSES)

    try:
        return await route_and_answer(request, context, question, partial(ResponseWriter, asked=body), hand_on)
    except APIError as error:
        raise in_responses_words(error) from None
