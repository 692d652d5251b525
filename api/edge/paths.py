"""Paths as clients write them: `/v1/models/` and `//v1/models` are `/v1/models`, and a HEAD is answered as a GET is."""

import re
from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


class PathMiddleware:
    """A base URL with a slash too many is served, not redirected: a redirect is an absolute address, which a server behind TLS
    gets wrong, and clients drop their token or the body on the way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        path = scope["path"]
        if "//" in path or path.endswith("/"):
            scope["path"] = _SLASHES.sub("/", path).rstrip("/") or "/"
        if scope["method"] == "HEAD":
            return self._as_get(scope, receive, send)
        return self._app(scope, receive, send)

    async def _as_get(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server itself leaves the body out, by the scope that it has."""
        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, send)
        finally:
            if "route" in asked:  # by which the request is counted
                scope["route"] = asked["route"]
