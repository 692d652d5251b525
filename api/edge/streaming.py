"""Events → an HTTP answer: errors after the 200 become an event, `[DONE]` means success, and the source always ends."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Protocol, runtime_checkable

from opentelemetry.trace import get_current_span
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.config import STREAM_KEEPALIVE
from api.dialects.openai import error_event
from api.edge.stream_keepalive import StreamKeepalive
from api.errors import APIError, InternalError
from api.telemetry import Tracing, metrics_of, record_failure, tracing_of

_log = logging.getLogger(__name__)


class EventSource(Protocol):
    """Something that answers event by event; `aclose()` ends whatever it stands on, read or not."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    def events(self) -> AsyncGenerator[bytes, None]: ...
    async def aclose(self) -> None: ...


@runtime_checkable
class TellsErrors(Protocol):
    """A source whose format has an error event of its own; in all others it is `{"error": ...}` without a name."""

    def error_event(self, error: APIError) -> bytes: ...


class EventStreamResponse(StreamingResponse):
    """The source's events. Whether they end, fail or are cancelled, the source is closed before the response returns."""

    def __init__(self, source: EventSource, *, headers: Mapping[str, str]) -> None:
        # Proxies would otherwise hold events back to fill their buffers.
        own = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        self._source = source
        self._tracing = Tracing()
        self._keepalive = StreamKeepalive()
        self._events = self._with_error_event()
        super().__init__(self._events, headers={**source.headers, **headers, **own}, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._tracing = tracing_of(scope)
        metrics = metrics_of(scope)
        metrics.stream_began()
        keepalive = asyncio.create_task(self._keepalive.run(send, _keepalive_seconds(scope)))
        try:
            async with aclosing(self._events):
                await super().__call__(scope, receive, send)
        finally:
            keepalive.cancel()
            metrics.stream_ended()
            await self._source.aclose()

    async def _with_error_event(self) -> AsyncGenerator[bytes, None]:
        source, keepalive = self._source, self._keepalive
        async with aclosing(source.events()) as events:
            try:
                keepalive.waits()
                async for chunk in events:
                    keepalive.speaks()
                    yield chunk
                    keepalive.waits()
                keepalive.speaks()
            except Exception as error:  # noqa: BLE001 - the status has been sent: only the stream is left to say it
                keepalive.speaks()
                record_failure(get_current_span(), self._tracing, error)
                told = _told(error)
                yield source.error_event(told) if isinstance(source, TellsErrors) else error_event(told)


def _keepalive_seconds(scope: Scope) -> float:
    """As the server that the request came to has it."""
    settings = getattr(scope.get("state", {}).get("services"), "settings", None)
    return STREAM_KEEPALIVE if settings is None else float(settings.stream_keepalive_seconds)


def _told(error: Exception) -> APIError:
    if isinstance(error, APIError):
        return error
    _log.error("A stream failed in this server", exc_info=error)
    return InternalError("The server failed while it was answering.")
