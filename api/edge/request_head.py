"""uvicorn's HTTP, with what it leaves to a proxy: how large a request's head may be and how long it may take, and what real
clients send beside it. docs/decisions/0009-one-subclass-of-uvicorns-http.md says why."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.dialects.openai import render
from api.edge.answering import Answering
from api.edge.incoming import expect, incoming_of
from api.edge.request_id import MAX_HEADER_BYTES, REQUEST_ID_HEADER
from api.edge.upgrade_offer import head_without_offer
from api.errors import APIError, HeadersTooLarge, InvalidRequest, RequestTimeout

# What may stand around each byte of a chunked body: a chunk of one byte needs five, and Go's server allows sixteen a chunk.
_FRAMING = 16
# A client that is still sending would lose the answer to a connection that closes with bytes unread.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 2 * 1024 * 1024


class BoundedHeadProtocol(HttpToolsProtocol):
    """Counts what is no body while it comes, ignores offers to upgrade, and sends an HTTP/1.0 client no chunks.

    REQUEST_HEADER_TIMEOUT runs from the connection's start, or from the first byte after an answer, to the blank line that ends
    the head. Between requests uvicorn's own keep-alive limit counts. REQUEST_BODY_TIMEOUT is kept by `request_body`, and here for
    what is left of a body that was answered unread.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        settings = app_state["services"].settings
        self._head_limit: float = settings.request_header_timeout
        self._body_limit: float = settings.request_body_timeout
        self._expiry: TimerHandle | None = None
        self._awaits_head = True
        self._head_began = False
        self._offered = False
        self._beside_body = 0
        self._refusal: bytes | None = None
        self._discarded = 0
        self._under_way: RequestResponseCycle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start(self._head_limit)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        self._beside_body += len(data)
        try:
            self._feed(data)
        except HttpParserError:
            self._refuse(InvalidRequest("What was sent is no HTTP request.", code="invalid_http"))
            return
        self._beside_body = max(self._beside_body, 0)
        if self._beside_body > MAX_HEADER_BYTES:
            self._refuse(_too_large("head" if self._awaits_head else "framing of the body"))
        self._start_if_idle()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            if (
                self.parser.get_method() == b"CONNECT"
            ):  # no offer, but what was asked for: it has been answered as any request
                return
            version = self.parser.get_http_version()
            head = head_without_offer(self.parser.get_method(), self.url, version, self.headers)
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
            self._offered = False
            self.parser.feed_data(head)
            self._feed(data[offer.args[0] :])

    def on_message_begin(self) -> None:
        self._head_began = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._awaits_head:  # nobody reads a trailer, and one that joined the headers could pass for one of them
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offered = True
            return
        is_old = self.parser.get_http_version() == "1.0"
        self.expect_100_continue = self.expect_100_continue and not is_old
        super().on_headers_complete()
        expect(self.cycle.scope)
        self._stop()
        self._awaits_head = self._head_began = False
        self._beside_body = 0
        if is_old:
            # Its connection's end is the answer's end: it does not know chunks.
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _WhateverComes()
        self.cycle.transport = cast(Transport, Answering(self.loop, self.transport, self.close_after_answer))
        if self.expect_100_continue:
            # If it is answered without having been told to go on, nobody knows whether its body follows.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._beside_body -= len(body) * (1 + _FRAMING)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offered:
            return
        self._stop()
        self._awaits_head = True
        self._beside_body = 0
        super().on_message_complete()
        if (incoming := incoming_of(self.cycle.scope)) is not None:
            incoming.is_whole = True

    def on_response_complete(self) -> None:
        if self._under_way is not None:
            cast(Answering, self._under_way.transport).say_head()  # an answer to HEAD has nothing else
        super().on_response_complete()
        if not self._is_idle:
            return
        if self._refusal is not None:
            self._say_refusal()
        elif not self._awaits_head:
            self._start(self._body_limit)
        elif self._head_began:
            self._start_if_idle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn tells the request that came last; where another came after the one that is being answered, that is not it."""
        self._stop()
        if self._under_way is not None:
            _leaves(self._under_way)
        super().connection_lost(exc)

    @property
    def _is_idle(self) -> bool:
        """Whether every request that came has been answered."""
        return self.cycle is None or self.cycle.response_complete

    def _start_if_idle(self) -> None:
        """While an answer is under way, the next request cannot be late; nor is the rest of a body that nobody read a head."""
        if self._is_idle and self._awaits_head:
            self._start(self._head_limit)

    def _start(self, limit: float) -> None:
        if self._expiry is None and not self.transport.is_closing():
            self._expiry = self.loop.call_later(limit, self._expire)

    def _stop(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        if self._refusal is None and self._head_began:
            limit = f"{self._head_limit:g} s (REQUEST_HEADER_TIMEOUT)"
            self._refuse(RequestTimeout(f"The head of the request did not arrive within {limit}."))
        else:  # a connection that was opened in advance and never used has asked nothing
            self.transport.close()

    def _refuse(self, error: APIError) -> None:
        """Answers and closes, after what was asked before has been answered."""
        self._refusal = _as_bytes(error)
        self._stop()
        if self._is_idle:
            self._say_refusal()
        elif not self._awaits_head and not self.pipeline:
            self._abandon()

    def _abandon(self) -> None:
        """Ends the request that is being handled: it is its own body that is refused."""
        begun = self.cycle.response_started
        # Whoever reads the body now would ask for it, behind the refusal.
        self.cycle.waiting_for_100_continue = False
        _leaves(self.cycle)
        if begun:
            self.transport.close()
        else:
            self._say_refusal()

    def _say_refusal(self) -> None:
        if self.transport.is_closing() or self._refusal is None:
            return
        if not self._is_answered:
            self.transport.write(self._refusal)
        self._discarded = 0
        self.flow.resume_reading()
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stop()
        self._start(_LINGER_SECONDS)

    @property
    def _is_answered(self) -> bool:
        """Whether what is refused is only the rest of a request whose answer has been sent."""
        return not self._awaits_head and self.cycle is not None and self.cycle.response_complete

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded <= _LINGER_BYTES:
            return
        if self._is_idle or self.cycle.disconnected:
            self.transport.close()
        else:
            self.transport.pause_reading()

    def close_after_answer(self) -> None:
        """A body that was not read to its end keeps its connection open for a moment: closed at once, it would be reset, and
        the answer could be lost on its way to a client that is still sending."""
        if self.cycle.response_complete and not self._awaits_head:
            self._refusal = b""
        else:
            self.transport.close()


def _leaves(cycle: RequestResponseCycle) -> None:
    """Tells whoever works on the request, however it is that they wait to be told."""
    cycle.disconnected = True
    cycle.message_event.set()
    if (incoming := incoming_of(cycle.scope)) is not None:
        incoming.left()


class _WhateverComes(int):
    """A content length that every answer has."""

    def __lt__(self, _other: object) -> bool:
        return False

    def __ne__(self, _other: object) -> bool:
        return False

    def __eq__(self, _other: object) -> bool:
        return True

    def __sub__(self, _other: object) -> "_WhateverComes":
        return self

    __hash__ = int.__hash__


def _too_large(what: str) -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The {what} of the request is larger than the {MAX_HEADER_BYTES} bytes that this server accepts."
    )


def _as_bytes(error: APIError) -> bytes:
    error.headers |= {"connection": "close", REQUEST_ID_HEADER: f"req_{uuid4().hex}"}
    answer = render(error)
    status = HTTPStatus(answer.status_code)
    lines = [f"HTTP/1.1 {status} {status.phrase}".encode(), *(b": ".join(header) for header in answer.raw_headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(answer.body)
