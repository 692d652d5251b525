"""GET /v1/models."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Services

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models")
async def list_models(services: Services) -> Response:
    """The models that this server may use, as LiteLLM lists them now."""
    answer = await services.gateway.list_models()
    return Response(answer.content, headers=answer.headers, media_type="application/json")
