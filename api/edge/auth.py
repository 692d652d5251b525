"""Bearer token → Caller. Everything is protected except the routes in PUBLIC_ROUTES, and what the settings add to them."""

import hashlib
import hmac
from collections.abc import Collection, Iterable

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import ANONYMOUS, Caller
from api.edge.headers import headers_of, text_of
from api.edge.rendering import render
from api.errors import Unauthenticated

PUBLIC_ROUTES = frozenset(
    {
        "/health",  # orchestrators ask without a token, and it tells only that the process lives
        "/health/ready",  # likewise; it tells whether LiteLLM answers, nothing of what it holds
        "/",  # says where everything else is
        "/docs",  # the API's description is no secret
        "/docs/favicon.png",  # what the page is made of: a browser has no token to fetch it with
        "/docs/start.js",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/openapi.json",
    }
)


class TokenAuthenticator:
    """Knows the accepted tokens as digests; comparing digests of equal length takes the same time whatever was sent."""

    def __init__(self, tokens: Iterable[SecretStr]) -> None:
        digests = (_digest(token.get_secret_value()) for token in tokens)
        self._callers = tuple((digest, Caller(f"token-{digest.hex()[:12]}")) for digest in digests)

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller that the `Authorization` header names.

        Raises:
            Unauthenticated: no header, another scheme, or a token that is not accepted.
        """
        if not authorization:
            raise Unauthenticated(
                "No API key was sent. Send one of the server's API_TOKENS as `Authorization: Bearer TOKEN`."
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("The Authorization header must read `Bearer TOKEN`.")
        digest = _digest(token.strip())
        # Every token is compared, so that the time tells nothing of which one came close.
        matches = [caller for known, caller in self._callers if hmac.compare_digest(digest, known)]
        if not matches:
            raise Unauthenticated("The API key that was sent is not one of the server's API_TOKENS.")
        return matches[0]


class AuthenticationMiddleware:
    """Puts the Caller into the request's state, or answers 401 before anything else runs."""

    def __init__(
        self, app: ASGIApp, authenticator: TokenAuthenticator | None, public: Collection[str] = PUBLIC_ROUTES
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                scope.setdefault("state", {})["caller"] = self._caller(scope)
            except Unauthenticated as error:
                await render(error, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        if self._authenticator is None or scope["path"] in self._public:
            return ANONYMOUS
        return self._authenticator.authenticate(text_of(headers_of(scope), b"authorization"))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
