"""Events → an HTTP answer: errors after the 200 become an event, `[DONE]` means success, and the source always ends."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Protocol

from opentelemetry.trace import get_current_span
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.config import STREAM_KEEPALIVE
from api.dialects.openai import error_event
from api.edge.disconnect import unless_disconnected
from api.edge.stream_keepalive import StreamKeepalive
from api.errors import APIError, ClientDisconnected, InternalError
from api.telemetry import metrics_of, record_failure, tracing_of

_log = logging.getLogger(__name__)


class EventSource(Protocol):
    """Something that answers event by event; `aclose()` ends whatever it stands on, read or not.

    A source whose format has an error event of its own has `error_event`, and `keepalive` if it has one that only says that the
    stream lives; in all others these are `{"error": ...}` without a name, and a comment.
    """

    @property
    def headers(self) -> Mapping[str, str]: ...
    def events(self) -> AsyncGenerator[bytes, None]: ...
    async def aclose(self) -> None: ...


class EventStreamResponse(Response):
    """The source's events. Whether they end, fail or are cancelled, or their client leaves, the source is closed before the
    response returns."""

    def __init__(self, source: EventSource, *, headers: Mapping[str, str]) -> None:
        # Proxies would otherwise hold events back to fill their buffers.
        own = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        self._source = source
        self.status_code = HTTPStatus.OK
        self.media_type = "text/event-stream"
        self.background = None
        self.init_headers({**source.headers, **headers, **own})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics = metrics_of(scope)
        metrics.stream_began()
        keepalive = StreamKeepalive(send, _keepalive_seconds(scope), self._keepalive)
        keepalive.begin()
        try:
            await unless_disconnected(Request(scope, receive), self._send(scope, send, keepalive))
        except ClientDisconnected:
            return
        finally:
            keepalive.end()
            metrics.stream_ended()
            await self._source.aclose()

    def _keepalive(self) -> bytes | None:
        """The event of the source's format, if it has one, that only says that the stream lives: looked at when it is sent."""
        said: bytes | None = getattr(self._source, "keepalive", None)
        return said

    async def _send(self, scope: Scope, send: Send, keepalive: StreamKeepalive) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        send = scope.get("state", {}).get("send_body", send)
        async with aclosing(self._source.events()) as events:
            try:
                keepalive.waits()
                async for chunk in events:
                    keepalive.speaks()
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    keepalive.waits()
                keepalive.speaks()
            except Exception as error:  # noqa: BLE001 - the status has been sent: only the stream is left to say it
                keepalive.speaks()
                await send({"type": "http.response.body", "body": self._failed(scope, error), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _failed(self, scope: Scope, error: Exception) -> bytes:
        record_failure(get_current_span(), tracing_of(scope), error)
        return failure_event(self._source, error)


def failure_event(source: EventSource, error: Exception) -> bytes:
    """The event that the source's stream ends with when it fails so."""
    own: Callable[[APIError], bytes] = getattr(source, "error_event", error_event)
    return own(_told(error))


def _keepalive_seconds(scope: Scope) -> float:
    """As the server that the request came to has it."""
    settings = getattr(scope.get("state", {}).get("services"), "settings", None)
    return STREAM_KEEPALIVE if settings is None else float(settings.stream_keepalive_seconds)


def _told(error: Exception) -> APIError:
    if isinstance(error, APIError):
        return error
    _log.error("A stream failed in this server", exc_info=error)
    return InternalError("The server failed while it was answering.")
