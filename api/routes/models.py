"""GET /v1/models and /v1/models/{model}."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.dependencies import Services
from api.dialects import anthropic
from api.dialects.openai import MODEL
from api.edge import speaks_anthropic
from api.routes.model_names import model_named, with_their_modes
from api.routes.openapi import LOOK_UP_ONE_RESPONSES, LOOK_UP_RESPONSES, listed

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models", responses={200: listed("ModelList", {"object": "list", "data": [MODEL]}), **LOOK_UP_RESPONSES})
async def list_models(request: Request, services: Services) -> Response:
    """The models that this server may use, as LiteLLM lists them, and each that chats by the names that have it reason, too; as
    Anthropic lists its own to those who send `anthropic-version`."""
    models = await services.catalog.all()
    shown = with_their_modes(models.models) if services.settings.list_reasoning_models else models.models
    if speaks_anthropic(request.scope):
        asked = request.query_params
        page = {name: asked.get(name) for name in ("limit", "after_id", "before_id")}
        return JSONResponse(anthropic.models_page(shown, **page), headers=models.headers)
    return JSONResponse({"object": "list", "data": shown}, headers=models.headers)


@router.get("/models/{model:path}", responses={200: listed("Model", MODEL), **LOOK_UP_ONE_RESPONSES})
async def get_model(model: str, request: Request, services: Services) -> Response:
    """One model, by the name that requests use, by one that stands for it, or by one that says how it is to answer."""
    found, models = await model_named(model, services)
    return JSONResponse(anthropic.model(found) if speaks_anthropic(request.scope) else found, headers=models.headers)
