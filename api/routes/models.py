"""GET /v1/models and /v1/models/{model}."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.dependencies import Services
from api.dialects.openai import MODEL
from api.routes.openapi import LOOK_UP_ONE_RESPONSES, LOOK_UP_RESPONSES, listed

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models", responses={200: listed("ModelList", {"object": "list", "data": [MODEL]}), **LOOK_UP_RESPONSES})
async def list_models(services: Services) -> Response:
    """The models that this server may use, as LiteLLM lists them."""
    models = await services.catalog.all()
    return JSONResponse({"object": "list", "data": models.models}, headers=models.headers)


@router.get("/models/{model:path}", responses={200: listed("Model", MODEL), **LOOK_UP_ONE_RESPONSES})
async def get_model(model: str, services: Services) -> Response:
    """One model, by the name that requests use."""
    found, models = await services.catalog.get(model)
    return JSONResponse(found, headers=models.headers)
