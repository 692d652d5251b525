"""One HTTP/1.1 connection, on which one request at a time is answered."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from api.llm.http_exchange import Exchange, Lost

# Bytes of an answer's head; LiteLLM's have some three thousand.
MOST_OF_A_HEAD: Final = 64 * 1024
_IN_ONE_PIECE: Final = 64 * 1024  # bytes that are cheaper to copy than to send by themselves
_TICK: Final = 0.001  # seconds, to which the loop's clock is exact


class Origin(NamedTuple):
    """Where connections go."""

    host: str
    port: int
    secure: bool


class Owner(Protocol):
    """Who lends the connection out."""

    def made(self, connection: "Connection") -> None:
        """It is there."""

    def returned(self, connection: "Connection", *, usable: bool) -> None:
        """Its exchange is over; told once for each."""

    def lost(self, connection: "Connection") -> None:
        """It has ended."""


class Connection(asyncio.Protocol):
    """`answered` says whether it has carried an exchange before: then its server may be closing it at this moment.

    One timer looks at the time now and then; what comes only says when it came.
    """

    def __init__(self, owner: Owner, origin: Origin, idle_for: float) -> None:
        self._owner, self.origin, self._idle_for = owner, origin, idle_for
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._exchange: Exchange | None = None
        self._keeps = self._interim = self._paused = False
        self._heard, self._head_bytes = self._loop.time(), 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.answered = False

    @property
    def is_usable(self) -> bool:
        """Whether a request may be sent."""
        return not self._transport.is_closing()

    @property
    def is_young(self) -> bool:
        """Whether it has been idle for no longer than it may be: in a process that was held up, its timer comes too late."""
        return self._loop.time() - self._heard < self._idle_for

    def send(self, head: bytes, content: bytes, silence: float, *, keeps: bool, decodes: bool = True) -> Exchange:
        """Sends a request, which the exchange is the answer to. `keeps` is whether it asks the server to go on listening.

        Raises:
            Lost: the server has closed the connection.
        """
        if not self.is_usable:
            self._owner.returned(self, usable=False)
            raise Lost("The connection was lost.")
        self._exchange = exchange = Exchange(silence, self.end, self._go_on, decodes=decodes)
        self._keeps, self._head_bytes, self._heard = keeps, 0, self._loop.time()
        if len(content) <= _IN_ONE_PIECE:
            self._transport.write(head + content)
        else:
            self._transport.writelines((head, content))
        self._watch()
        return exchange

    def break_off(self, failure: Exception) -> None:
        """Ends it with its exchange, whose reader is told."""
        if self._exchange is not None:
            self._exchange.fail(failure)
        self.end()

    def end(self) -> None:
        """At once: what was to be sent is not wanted any more."""
        self._transport.abort()
        self._give_back(usable=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.made(self)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:  # nobody asked
            self._transport.abort()
            return
        self._heard = self._loop.time()
        if not exchange.begun:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._keeps = False
            exchange.finish()
        except HttpParserError:
            self.break_off(Lost("An answer is no HTTP."))
            return
        if exchange.complete:
            self._give_back(usable=self._keeps)
        elif not exchange.begun and self._head_bytes > MOST_OF_A_HEAD:
            self.break_off(Lost("The head of an answer is too large."))
            return
        elif exchange.is_waited_for and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if exchange.begun:
            exchange.wake()

    def on_message_begin(self) -> None:
        if self._exchange is None or self._exchange.complete:
            self._keeps = False  # what follows an answer answers nothing

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and not exchange.begun:
            exchange.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        exchange, status = self._exchange, self._parser.get_status_code()
        if exchange is None or exchange.begun:
            return
        self._interim = status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS
        if self._interim:
            exchange.headers.clear()
        else:
            exchange.begin(status)

    def on_body(self, data: bytes) -> None:
        if self._exchange is not None and not self._exchange.complete:
            self._exchange.take(data)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is not None and not self._interim and not exchange.complete:
            self._keeps = self._keeps and self._parser.should_keep_alive()
            exchange.finish()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        if self._timer is not None:
            self._timer.cancel()
        if (exchange := self._exchange) is not None:
            if exchange.begun and _ends_with_its_connection(exchange.headers):
                exchange.finish()
            exchange.fail(Lost("The connection was lost."))
            self._give_back(usable=False)
        self._owner.lost(self)

    def _give_back(self, *, usable: bool) -> None:
        if self._exchange is None:
            return
        self._exchange, self.answered = None, True
        self._go_on()
        # A request of which something is still to be sent was answered before it was read.
        usable = usable and self.is_usable and not self._transport.get_write_buffer_size()
        if usable:
            self._watch()
        else:
            self._transport.abort()
        self._owner.returned(self, usable=usable)

    def _go_on(self) -> None:
        if self._paused:
            self._paused, self._heard = False, self._loop.time()
            if self.is_usable:
                self._transport.resume_reading()

    def _watch(self) -> None:
        due = self._heard + (self._idle_for if self._exchange is None else self._exchange.silence)
        if self._timer is None or due < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._due, self._timer = due, self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer, exchange = None, self._exchange
        if self._paused:
            self._heard = self._loop.time()
        silent = self._loop.time() - self._heard
        if silent < (self._idle_for if exchange is None else exchange.silence) - _TICK:
            self._watch()
        elif exchange is None:
            self._transport.close()
        else:
            self.break_off(TimeoutError())


def _ends_with_its_connection(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether nothing else says where the body ends."""
    return not any(
        name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower())
        for name, value in headers
    )
