"""GET /v1/models and /v1/models/{model}."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.dependencies import Services

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models")
async def list_models(services: Services) -> Response:
    """The models that this server may use, as LiteLLM lists them."""
    listed = await services.catalog.all()
    return JSONResponse({"object": "list", "data": listed.models}, headers=listed.headers)


@router.get("/models/{model:path}")
async def get_model(model: str, services: Services) -> Response:
    """One model, by the name that requests use."""
    found, listed = await services.catalog.get(model)
    return JSONResponse(found, headers=listed.headers)
