"""Handlers that take a request and give a response, with nothing of a framework in between: paths that are asked all the time.

FastAPI describes them as it does all others; what it would do for each request, matching paths, solving dependencies, opening
stacks of resources, costs several times what such a handler does itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.exception_handlers import answer_of, unexpected

Handler = Callable[[Request], Awaitable[Response]]


class DirectRoute(APIRoute):
    """A route whose endpoint is a `Handler`, run as it is."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = _as_app(endpoint)


def _as_app(handler: Handler) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await handler(request)
        except Exception as error:
            if (answer := await answer_of(request, error)) is None:
                await (await unexpected(request, error))(scope, receive, send)
                raise
            response = answer
        await response(scope, receive, send)

    return app


class DirectRoutesMiddleware:
    """Gives a request for one of these routes to it, and any other on. To be the innermost."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._routes: Mapping[tuple[str, str], DirectRoute] = {
            (method, route.path): route
            for route in routes
            if isinstance(route, DirectRoute)
            for method in route.methods or ()
        }

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and (route := self._routes.get((scope["method"], scope["path"]))) is not None:
            scope["route"] = route  # by which the request is counted
            return route.app(scope, receive, send)
        return self._app(scope, receive, send)
