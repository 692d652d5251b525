"""A request's token → Caller. Everything is protected except the routes in PUBLIC_ROUTES, and what the settings add to them."""

from collections.abc import Awaitable, Collection
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import Callers
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

_EITHER = "`Authorization: Bearer TOKEN` or as `x-api-key: TOKEN`"
_MISSING = f"No API key was sent. Send a token of this server as {_EITHER}."
_UNREADABLE = f"The Authorization header must read `Bearer TOKEN`. Send a token of this server as {_EITHER}."


class TokenAuthenticator:
    """Finds the token in a request's headers; whose it is, `Callers` say."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    def authenticate(self, authorization: str | None, api_key: str | None = None) -> Caller:
        """The caller whose token stands in `Authorization` or in `x-api-key`.

        Where both are sent, one that is accepted is enough: clients of Anthropic's API put a placeholder into the one while a
        proxy, or their user, puts the token into the other.

        Raises:
            Unauthenticated: neither header, another scheme, or a token that is not accepted.
        """
        tokens = [token for token in (_bearer(authorization), (api_key or "").strip()) if token]
        if not tokens:
            raise Unauthenticated(_UNREADABLE if authorization else _MISSING)
        *others, last = dict.fromkeys(tokens)
        for token in others:
            with suppress(Unauthenticated):
                return self._callers.authenticate(token)
        return self._callers.authenticate(last)


class AuthenticationMiddleware:
    """Puts the Caller into the request's state, or answers 401 before anything else runs."""

    def __init__(
        self, app: ASGIApp, authenticator: TokenAuthenticator | None, public: Collection[str] = PUBLIC_ROUTES
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._public = public

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            try:
                scope.setdefault("state", {})["caller"] = self._caller(scope)
            except Unauthenticated as error:
                return render(error, scope)(scope, receive, send)
        return self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        if self._authenticator is None or scope["path"] in self._public:
            return ANONYMOUS
        headers = headers_of(scope)
        return self._authenticator.authenticate(text_of(headers, b"authorization"), text_of(headers, b"x-api-key"))


def _bearer(authorization: str | None) -> str:
    """The token of `Bearer TOKEN`; empty if the header says anything else."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
