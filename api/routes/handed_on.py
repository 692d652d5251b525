"""The paths of OpenAI's API without reasoning: handed to the model as they are, attributed and traced like a chat completion."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.context import with_user
from api.dependencies import services_of
from api.dialects.openai import examples
from api.edge import (
    DirectRoute,
    check_resumable,
    parse_request_context,
    read_json_object,
    unless_disconnected,
    validate,
    with_memory,
)
from api.llm import COMPLETIONS, EMBEDDINGS, Endpoint
from api.protocol import CompletionRequest, EmbeddingRequest
from api.routes.answers import as_response, tell
from api.routes.model_names import named_in
from api.routes.openapi import answer_responses, request_body
from api.routes.resuming import resuming
from api.routing import always_the_model

router = APIRouter(prefix="/v1", route_class=DirectRoute)


@router.post(
    "/embeddings",
    tags=["embeddings"],
    responses=answer_responses("EmbeddingList", examples.EMBEDDING_ANSWER),
    openapi_extra=request_body(EmbeddingRequest, examples.EMBEDDING_REQUESTS, routed=False),
)
async def create_embedding(request: Request) -> Response:
    """Embeds the input."""
    return await _hand_on(request, EMBEDDINGS)


@router.post(
    "/completions",
    tags=["completions"],
    responses=answer_responses(
        "Completion", examples.COMPLETION_ANSWER, events=("Completion", examples.COMPLETION_EVENTS)
    ),
    openapi_extra=request_body(CompletionRequest, examples.COMPLETION_REQUESTS, routed=False),
)
async def create_completion(request: Request) -> Response:
    """Answers a text completion request."""
    return await _hand_on(request, COMPLETIONS)


async def _hand_on(request: Request, endpoint: Endpoint) -> Response:
    services, context = services_of(request), parse_request_context(request)
    body = await read_json_object(request, **services.settings.body_limits)
    validate(body, endpoint.request)
    context = await named_in(body, context, services)
    check_resumable(context, body)
    context = with_memory(request, with_user(context, body), services.memory)
    decision = always_the_model(context, request.url.path)
    tell(request, decision, context)
    with resuming(request, context) as resumable:
        answer = await unless_disconnected(request, passthrough.answer(services.gateway, body, context, endpoint))
        return as_response(resumable(answer), decision)
