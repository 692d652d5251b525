"""One request's answer, as it comes over its connection."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Final

Header = tuple[bytes, bytes]

# Bytes that wait for whoever reads the answer: with more, its sender waits too.
MOST_WAITING: Final = 128 * 1024
_COMPRESSED: Final = (b"gzip", b"x-gzip", b"deflate")
_EITHER: Final = zlib.MAX_WBITS | 32  # zlib's own form, or gzip's


class Lost(ConnectionError):
    """The connection ended before the answer did, or carried what is no answer."""


class Exchange:
    """An answer under way: the connection says what came, and one task reads it. `stop` ends it, `go_on` lets more come.

    A silence of the other side is a TimeoutError, an end before its time is `Lost`; what came before it is read first.
    """

    __slots__ = (
        "_failure",
        "_fed",
        "_go_on",
        "_inflate",
        "_pieces",
        "_stop",
        "_waiter",
        "_waiting",
        "begun",
        "complete",
        "decodes",
        "headers",
        "silence",
        "status",
        "whole",
    )

    def __init__(
        self, silence: float, stop: Callable[[], None], go_on: Callable[[], None], *, decodes: bool = True
    ) -> None:
        self.silence, self.decodes = silence, decodes
        self.status, self.headers = 0, list[Header]()
        self.begun = self.complete = self.whole = False
        self._stop, self._go_on = stop, go_on
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._fed = False
        self._inflate: zlib._Decompress | None = None

    @property
    def is_waited_for(self) -> bool:
        """Whether so much has come that no more should, until it is read."""
        return self._waiting > MOST_WAITING and not self.whole

    def begin(self, status: int) -> None:
        """The head is there."""
        self.status, self.begun = status, True
        if self.decodes and any(
            name == b"content-encoding" and value.lower() in _COMPRESSED for name, value in self.headers
        ):
            self._inflate = zlib.decompressobj(_EITHER)

    def take(self, data: bytes) -> None:
        """A piece of the body."""
        if self._inflate is not None:
            data = self._inflated(self._inflate, data)
        self._pieces.append(data)
        self._waiting += len(data)

    def finish(self) -> None:
        """The body is whole."""
        if self._inflate is not None and self._fed and not self._inflate.eof:
            self.fail(Lost("A compressed answer broke off."))
        self.complete = True

    def fail(self, failure: Exception) -> None:
        """Nothing more will come; a failure after the last byte is none."""
        if not self.complete and self._failure is None:
            self._failure = failure
        self.wake()

    def wake(self) -> None:
        """Whoever reads goes on, once for all that came together."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def head(self) -> None:
        """Returns when the head is there; if it does not come, or nobody waits for it any more, the exchange is ended."""
        try:
            while not self.begun:
                await self._more()
        except BaseException:
            self.close()
            raise

    async def read(self) -> bytes:
        """All of the body."""
        self.whole = True
        while not self.complete:
            self._go_on()
            await self._more()
        self._raise_failure()
        return self._taken()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The body, as much at a time as came together."""
        while True:
            if self._pieces:
                block = self._taken()
                self._go_on()
                if block:
                    yield block
            elif self._failure is None and self.complete:
                return
            else:
                await self._more()

    def close(self) -> None:
        """Ends the exchange, with its connection, if it is still under way."""
        if not self.complete:
            self._stop()

    def _taken(self) -> bytes:
        pieces, self._pieces, self._waiting = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _more(self) -> None:
        self._raise_failure()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if not self._pieces:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _inflated(self, inflate: "zlib._Decompress", data: bytes) -> bytes:
        self._fed = True
        try:
            return inflate.decompress(data)
        except zlib.error:
            self.fail(Lost("A compressed answer cannot be read."))
            return b""
