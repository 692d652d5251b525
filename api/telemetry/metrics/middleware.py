"""Counts and times every HTTP request, those that are turned away included."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.telemetry.metrics.recording import Metrics, metrics_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


class MetricsMiddleware:
    """To be the outermost: what it times is what the client waits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics = metrics_of(scope)
        if metrics.enabled and scope["type"] == "http":
            await self._measure(metrics, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _measure(self, metrics: Metrics, scope: Scope, receive: Receive, send: Send) -> None:
        # A client may send any word as a method; each would be a series of its own.
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        began = time.perf_counter()
        status: int | None = None

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        metrics.request_began(method, scope["scheme"])
        try:
            await self._app(scope, receive, send_observed)
        except Exception:
            status = status or 500
            raise
        finally:
            seconds = time.perf_counter() - began
            metrics.request_ended(method, scope["scheme"], seconds, _route(scope), status)


def _route(scope: Scope) -> str | None:
    """The path as the route has it, its parameters unfilled; None for a path that is no route's."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
