"""POST /v1/chat/completions."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import passthrough
from api.dependencies import Context, Services
from api.disconnect import unless_disconnected
from api.llm_gateway import LLMAnswer
from api.protocol import ChatCompletionRequest
from api.request_body import read_json_object, validate
from api.streaming import EventStreamResponse

router = APIRouter(prefix="/v1", tags=["chat"])


@router.post("/chat/completions")
async def create_chat_completion(request: Request, services: Services, context: Context) -> Response:
    """Answers a chat completion request as OpenAI's API does."""
    body = await read_json_object(request, limit=services.settings.max_request_bytes)
    validate(body, ChatCompletionRequest)
    answer = await unless_disconnected(request, passthrough.answer(services.gateway, body, context))
    if isinstance(answer, LLMAnswer):
        return Response(answer.content, headers=answer.headers, media_type="application/json")
    return EventStreamResponse(answer)
