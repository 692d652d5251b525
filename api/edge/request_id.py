"""Every answer carries an `x-request-id`: the provider's own where it gave one, else this server's, which its log knows."""

import random
from itertools import chain

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.rendering import render
from api.errors import HeadersTooLarge

REQUEST_ID_HEADER = "x-request-id"
_NAME = REQUEST_ID_HEADER.encode()
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
                headers = message["headers"]
                if not any(name == _NAME for name, _ in headers):
                    headers.append((_NAME, identifier.encode()))
            await send(message)

        app = self._app if _header_bytes(scope) <= MAX_HEADER_BYTES else render(_too_large(), scope)
        await app(scope, receive, send_with_id)


def _header_bytes(scope: Scope) -> int:
    return sum(map(len, chain.from_iterable(scope["headers"])))


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The headers of the request are larger than the {MAX_HEADER_BYTES} bytes that this server accepts.",
        headers={"connection": "close"},
    )
