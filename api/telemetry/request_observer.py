"""Counts, times and logs every HTTP request, those that are turned away included."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.telemetry.access_log import AccessLog
from api.telemetry.metrics import metrics_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


class RequestObserverMiddleware:
    """To be the outermost: what it times is what the client waits. Without a log, it writes no lines."""

    def __init__(self, app: ASGIApp, access_log: AccessLog | None = None) -> None:
        self._app = app
        self._log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        metrics = metrics_of(scope)
        # A client may send any word as a method; each would be a series of its own.
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        began = time.perf_counter()
        status: int | None = None

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # With the head everything has been told that anybody on the way wants to know.
        state = scope.setdefault("state", {})
        state["send_body"] = send
        metrics.request_began(method, scope["scheme"])
        try:
            await self._app(scope, receive, send_observed)
        except Exception:
            status = status or 500
            raise
        finally:
            seconds = time.perf_counter() - began
            state.pop(
                "send_body", None
            )  # which knows its scope: left there, it would take the collector to let go of both
            metrics.request_ended(method, scope["scheme"], seconds, _route(scope), status)
            if self._log is not None:
                self._log.ended(scope, status, seconds)


def _route(scope: Scope) -> str | None:
    """The path as the route has it, its parameters unfilled; None for a path that is no route's."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
