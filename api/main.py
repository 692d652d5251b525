"""The application: what runs around every request, and nothing else."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import routes
from api.callers import Callers, open_callers
from api.config import Settings, load_settings, named_variables
from api.dependencies import ServiceContainer
from api.edge import (
    PUBLIC_ROUTES,
    AuthenticationMiddleware,
    BytesInFlightMiddleware,
    CrossOriginMiddleware,
    DirectRoutesMiddleware,
    HostMiddleware,
    PathMiddleware,
    RequestIdMiddleware,
    TokenAuthenticator,
    exception_handlers,
)
from api.llm import LiteLLMTransport
from api.telemetry import AccessLog, RequestObserverMiddleware, TracingMiddleware, without_messages


class State(TypedDict):
    """What every request finds in `request.state`, beside its caller."""

    services: ServiceContainer


class Application:
    """What is served. `described` is FastAPI's part of it, which stands within all that every request passes."""

    def __init__(self, described: FastAPI, around: Callable[[ASGIApp], ASGIApp]) -> None:
        self.described = described
        self._app = around(described)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def create_app(settings: Settings | None = None, *, transport: LiteLLMTransport | None = None) -> Application:
    """The application, configured by the environment and speaking to LiteLLM over the network unless told otherwise.

    Raises:
        ConfigurationError: a setting without which it cannot work.
        ConfigFileError: the file of callers cannot be used.
    """
    settings = settings or load_settings()
    callers = open_callers(settings, named_variables())
    _show_logs(settings)
    access_log = AccessLog() if logging.getLogger("api").isEnabledFor(logging.INFO) else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        async with ServiceContainer(settings, transport) as services:
            yield {"services": services}
        if access_log is not None:
            access_log.close()

    app = FastAPI(
        title="Reasoning Agent API",
        lifespan=lifespan,
        # Spans are ours: the built-in ones would mark a client that leaves as an error.
        telemetry={"tracing": False},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    routes.install(app)
    exception_handlers.install(app)
    return Application(app, lambda app: _around(app, settings, callers, access_log))


def _around(app: ASGIApp, settings: Settings, callers: Callers | None, access_log: AccessLog | None) -> ASGIApp:
    """What every request passes, outermost last; the paths that are asked all the time never come to FastAPI."""
    public = PUBLIC_ROUTES | ({"/metrics"} if settings.metrics_public else frozenset())
    authenticator = TokenAuthenticator(callers) if callers is not None else None
    app = TracingMiddleware(DirectRoutesMiddleware(app, routes.DIRECT))
    app = BytesInFlightMiddleware(app, limit=max(settings.max_bytes_in_flight, settings.max_request_bytes))
    app = PathMiddleware(AuthenticationMiddleware(app, authenticator, public))
    app = HostMiddleware(CrossOriginMiddleware(app, settings.cors_allow_origins), settings.allowed_hosts)
    return RequestObserverMiddleware(RequestIdMiddleware(app), access_log)


def _show_logs(settings: Settings) -> None:
    """Our own lines at LOG_LEVEL, everyone else's from WARNING on, unless whoever runs the process has set logging up."""
    handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=[handler])
    if settings.trace_content == "off":
        # uvicorn has handlers of its own, and tells of what a request failed with once more.
        for shown in (handler, *logging.getLogger("uvicorn").handlers):
            shown.addFilter(without_messages)
    logging.getLogger("api").setLevel(settings.log_level)
