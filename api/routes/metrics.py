"""GET /metrics."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Services
from api.errors import NotFound
from api.routes.openapi import error_responses

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **error_responses({404: "Metrics are off"})},
)
async def metrics(services: Services) -> Response:
    """What the server counted and timed since it started, in all its workers, as Prometheus reads it."""
    page = await services.metrics.page()
    if page is None:
        raise NotFound("Metrics are off on this server: ENABLE_METRICS=true switches them on.")
    content, content_type = page
    return Response(content, headers={"content-type": content_type})
