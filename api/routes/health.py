"""Is the process alive, and can it work?"""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.dependencies import Services
from api.routes.openapi import LOOK_UP_RESPONSES, error_responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/health", responses=error_responses())
async def health() -> Health:
    """200 as long as the process answers."""
    return Health()


@router.get("/health/ready", responses=LOOK_UP_RESPONSES)
async def ready(services: Services) -> Health:
    """200 when LiteLLM is ready, its database included, takes this server's key and records what calls cost; else why not."""
    await services.readiness.check()
    return Health()
