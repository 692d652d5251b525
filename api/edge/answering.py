"""How one request's answer is written to its connection."""

from asyncio import AbstractEventLoop, Handle, Transport
from collections.abc import Callable

_CONTINUE = b"HTTP/1.1 100 "


class Answering:
    """A connection as one request's answer uses it: the head goes out with what is said next, if that is said at once, since
    each piece by itself costs the kernel as much as both."""

    __slots__ = ("_close", "_head", "_later", "_loop", "_write", "is_closing")

    def __init__(self, loop: AbstractEventLoop, transport: Transport, close: Callable[[], None]) -> None:
        self._loop = loop
        self._write = transport.write
        self._close = close
        self.is_closing = transport.is_closing
        self._head: bytes | None = b""
        self._later: Handle | None = None

    def write(self, data: bytes) -> None:
        if self._head is None or data.startswith(_CONTINUE):
            self._write(data)
        elif self._later is None:
            self._head, self._later = data, self._loop.call_soon(self.say_head)
        else:
            self._later.cancel()
            head, self._head, self._later = self._head, None, None  # which knows this object
            self._write(head + data)

    def close(self) -> None:
        self.say_head()
        self._close()

    def say_head(self) -> None:
        head, self._head, self._later = self._head, None, None
        if head and not self.is_closing():
            self._write(head)
