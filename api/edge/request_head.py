"""How long a request's head may take. uvicorn waits for one for ever, so a client that never ends it would keep its connection."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.dialects.openai import render
from api.edge.request_id import REQUEST_ID_HEADER
from api.errors import RequestTimeout


class BoundedHeadProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with REQUEST_HEADER_TIMEOUT: it runs from the connection's start, or from the first byte after an answer,
    to the blank line that ends the head. Between requests uvicorn's own keep-alive limit counts, and for bodies this server's."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limit: float = app_state["services"].settings.request_header_timeout
        self._expiry: TimerHandle | None = None
        self._awaits_head = True
        self._head_began = False
        self._answered: RequestResponseCycle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._start_if_idle()

    def on_message_begin(self) -> None:
        self._head_began = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop()
        self._awaits_head = self._head_began = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._awaits_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._head_began:
            self._start_if_idle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn tells the request that came last; where another came after the one that is being answered, that is not it."""
        self._stop()
        if self._answered is not None:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def _start_if_idle(self) -> None:
        """While an answer is under way, the next request cannot be late; nor is the rest of a body that nobody read a head."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._awaits_head and not self.transport.is_closing():
            self._start()

    def _start(self) -> None:
        if self._expiry is None:
            self._expiry = self.loop.call_later(self._limit, self._expire)

    def _stop(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        if self.transport.is_closing():
            return
        if self._head_began:  # a connection that was opened in advance and never used has asked nothing
            self.transport.write(_too_slow(self._limit))
        self.transport.close()


def _too_slow(limit: float) -> bytes:
    headers = {"connection": "close", REQUEST_ID_HEADER: f"req_{uuid4().hex}"}
    answer = render(
        RequestTimeout(
            f"The head of the request did not arrive within {limit:g} s (REQUEST_HEADER_TIMEOUT).", headers=headers
        )
    )
    status = HTTPStatus.REQUEST_TIMEOUT
    lines = [f"HTTP/1.1 {status} {status.phrase}".encode(), *(b": ".join(header) for header in answer.raw_headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(answer.body)
