"""Which pages of other origins a browser may let talk to this server (CORS): none, but for those in CORS_ALLOW_ORIGINS.

Never with a browser's own credentials: the token is one that the page itself sends.
"""

import re
from collections.abc import Awaitable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.headers import headers_of, text_of
from api.edge.rendering import render
from api.errors import OriginNotAllowed

ANY = "*"
METHODS = "GET, HEAD, POST"
REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "traceparent",
    "tracestate",
    "x-provider-specific-fields",
    "x-request-id",
    "x-routing-mode",
    "x-session-id",
)
EXPOSED = (
    "age",
    "retry-after",
    "warning",
    "x-litellm-call-id",
    "x-litellm-model-group",
    "x-litellm-model-id",
    "x-litellm-model-name",
    "x-litellm-response-cost",
    "x-litellm-version",
    "x-models-stale",
    *(f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset") for unit in ("requests", "tokens")),
    "x-request-id",
    "x-routing-decision",
    "x-routing-overruled",
    "x-routing-source",
    "x-should-retry",
    "x-trace-id",
)
PREFLIGHT = b"access-control-request-method"
PREFLIGHT_SECONDS = 600
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, \t-]{1,4096}", re.ASCII)


class CrossOriginMiddleware:
    """Answers preflights, and puts onto all other answers, errors and streams included, what a browser asks for."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        origin = text_of(headers_of(scope), b"origin")
        if scope["method"] == "OPTIONS" and origin is not None and PREFLIGHT in headers_of(scope):
            return self._preflight(scope, origin)(scope, receive, send)
        if self._origins:
            return self._answer(self._permission(origin), scope, receive, send)
        return self._app(scope, receive, send)

    async def _answer(self, permission: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        async def send_permitted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.add_vary_header("Origin")
                headers.update({name: value for name, value in permission.items() if name != "vary"})
            await send(message)

        await self._app(scope, receive, send_permitted)

    def _allows(self, origin: str) -> bool:
        return ANY in self._origins or origin.lower() in self._origins

    def _permission(self, origin: str | None) -> dict[str, str]:
        """`Vary` always, so that no cache gives one origin's answer to another."""
        if origin is None or not self._allows(origin):
            return {"vary": "Origin"}
        return {
            "vary": "Origin",
            "access-control-allow-origin": ANY if ANY in self._origins else origin,
            "access-control-expose-headers": ", ".join(EXPOSED),
        }

    def _preflight(self, scope: Scope, origin: str) -> Response:
        headers = Headers(scope=scope)
        vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        if not self._allows(origin):
            return render(_refusal(vary), scope)
        asked = headers.get("access-control-request-headers", "")
        permitted = {
            "vary": vary,
            "access-control-allow-origin": ANY if ANY in self._origins else origin,
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": _request_headers(asked),
            "access-control-max-age": str(PREFLIGHT_SECONDS),
        }
        # Chrome asks for this where a page of the internet reaches into a private network.
        if "access-control-request-private-network" in headers:
            permitted["access-control-allow-private-network"] = "true"
        return Response(status_code=204, headers=permitted)


def _request_headers(asked: str) -> str:
    """Ours, and whatever else is asked for: SDKs send many of their own, and an origin on the list may send anything."""
    if not _NAMES.fullmatch(asked):
        return ", ".join(REQUEST_HEADERS)
    wanted = [name.strip().lower() for name in asked.split(",") if name.strip()]
    return ", ".join(dict.fromkeys([*REQUEST_HEADERS, *wanted]))


def _refusal(vary: str) -> OriginNotAllowed:
    return OriginNotAllowed(
        "Pages of this origin may not call this server from a browser. Add the origin to CORS_ALLOW_ORIGINS if they shall.",
        param="Origin",
        headers={"vary": vary},
    )
