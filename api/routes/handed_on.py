"""The other paths of OpenAI's API: handed to the model as they are, attributed and traced like a chat completion."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.context import RequestContext, with_user
from api.dependencies import Context, ServiceContainer, Services
from api.dialects.openai import examples
from api.edge import read_json_object, unless_disconnected, validate
from api.llm import COMPLETIONS, EMBEDDINGS, RESPONSES, Endpoint
from api.protocol import CompletionRequest, EmbeddingRequest, ResponseRequest
from api.routes.answers import as_response, tell
from api.routes.openapi import answer_responses, request_body
from api.routing import always_the_model

router = APIRouter(prefix="/v1")


@router.post(
    "/responses",
    tags=["responses"],
    responses=answer_responses(
        "Response", examples.RESPONSE_ANSWER, events=("ResponseEvent", examples.RESPONSE_EVENTS)
    ),
    openapi_extra=request_body(ResponseRequest, examples.RESPONSE_REQUESTS, routed=False),
)
async def create_response(request: Request, services: Services, context: Context) -> Response:
    """Answers a request of the Responses API."""
    return await _hand_on(request, services, context, RESPONSES)


@router.post(
    "/embeddings",
    tags=["embeddings"],
    responses=answer_responses("EmbeddingList", examples.EMBEDDING_ANSWER),
    openapi_extra=request_body(EmbeddingRequest, examples.EMBEDDING_REQUESTS, routed=False),
)
async def create_embedding(request: Request, services: Services, context: Context) -> Response:
    """Embeds the input."""
    return await _hand_on(request, services, context, EMBEDDINGS)


@router.post(
    "/completions",
    tags=["completions"],
    responses=answer_responses(
        "Completion", examples.COMPLETION_ANSWER, events=("Completion", examples.COMPLETION_EVENTS)
    ),
    openapi_extra=request_body(CompletionRequest, examples.COMPLETION_REQUESTS, routed=False),
)
async def create_completion(request: Request, services: Services, context: Context) -> Response:
    """Answers a text completion request."""
    return await _hand_on(request, services, context, COMPLETIONS)


async def _hand_on(
    request: Request, services: ServiceContainer, context: RequestContext, endpoint: Endpoint
) -> Response:
    body = await read_json_object(request, **services.settings.body_limits)
    validate(body, endpoint.request)
    context = with_user(context, body)
    decision = always_the_model(context, request.url.path)
    tell(request, decision, context)
    answer = await unless_disconnected(request, passthrough.answer(services.gateway, body, context, endpoint))
    return as_response(answer, decision)
