"""Every answer carries an `x-request-id`: the provider's own where it gave one, else this server's, which its log knows."""

import random

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.rendering import render
from api.errors import HeadersTooLarge

REQUEST_ID_HEADER = "x-request-id"
MAX_HEADER_BYTES = 64 * 1024


class RequestIdMiddleware:
    """Puts the id into the request's state and onto whatever answer it gets; refuses headers beyond MAX_HEADER_BYTES."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = f"req_{random.getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = identifier

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).setdefault(REQUEST_ID_HEADER, identifier)
            await send(message)

        app = self._app if _header_bytes(scope) <= MAX_HEADER_BYTES else render(_too_large(), scope)
        await app(scope, receive, send_with_id)


def _header_bytes(scope: Scope) -> int:
    return sum(len(name) + len(value) for name, value in scope["headers"])


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The headers of the request are larger than the {MAX_HEADER_BYTES} bytes that this server accepts.",
        headers={"connection": "close"},
    )
