"""The Starlette application: every provider path under each prefix that a client may put before it."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.provider import chat, completions, embeddings, messages, models, responses
from demo.provider.connections import Connections
from demo.provider.control import Control
from demo.provider.endpoint import PREFIXES, Dialect, Endpoint, Shop
from demo.provider.errors import ProviderError, openai_error
from demo.provider.kept import Kept
from demo.provider.messages_cache import PromptCache
from demo.provider.records import Records
from demo.provider.script import Script

DIALECTS = (
    chat.DIALECT,
    completions.DIALECT,
    embeddings.DIALECT,
    models.LIST_DIALECT,
    models.ONE_DIALECT,
)
UNKNOWN = Dialect("")


def create_app(connections: Connections, *, scripted: bool) -> Starlette:
    shop = Shop(Script(), Records(enabled=scripted), connections)
    routes = [Route("/health", health, methods=["GET"])]
    routes += Control(shop).routes() if scripted else []
    for dialect in (*DIALECTS, *messages.dialects(PromptCache()), *responses.dialects(Kept())):
        endpoint = Endpoint(dialect, shop)
        routes += [Route(prefix + dialect.path, endpoint, methods=[dialect.method]) for prefix in PREFIXES]
    app = Starlette(routes=routes, exception_handlers={HTTPException: refused})
    # Recorded like all others: a test that finds such a request knows what its client asks for in vain.
    app.router.default = Endpoint(UNKNOWN, shop)
    return app


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"Not allowed to {request.method} on {request.url.path}" if status == 405 else str(error)
    return JSONResponse(openai_error(ProviderError(message, status=status)), status_code=status)
