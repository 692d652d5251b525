"""GET /v1/models and /v1/models/{model}."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.dependencies import Services
from api.openapi import LOOK_UP_ONE_RESPONSES, LOOK_UP_RESPONSES
from api.openapi_examples import MODEL


def _shown(example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"type": "object"}, "example": example}}}


router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models", responses={200: _shown({"object": "list", "data": [MODEL]}), **LOOK_UP_RESPONSES})
async def list_models(services: Services) -> Response:
    """The models that this server may use, as LiteLLM lists them."""
    listed = await services.catalog.all()
    return JSONResponse({"object": "list", "data": listed.models}, headers=listed.headers)


@router.get("/models/{model:path}", responses={200: _shown(MODEL), **LOOK_UP_ONE_RESPONSES})
async def get_model(model: str, services: Services) -> Response:
    """One model, by the name that requests use."""
    found, listed = await services.catalog.get(model)
    return JSONResponse(found, headers=listed.headers)
