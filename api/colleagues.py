"""How the workers of one server speak to each other: each listens on a Unix socket in a directory that is theirs alone."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Final

# Seconds within which a worker that lives takes in what it is told; one that is busy for longer is not waited for.
TAKEN_IN_WITHIN: Final = 1.0
_LONGEST: Final = 1024 * 1024  # bytes of what is told
_NOT_THERE: Final = (FileNotFoundError, ConnectionRefusedError)


class Colleagues:
    """One worker's view of the others. To be opened in its event loop, once all that it hears of has been named.

    A message is a kind, a blank and a text without line ends; it is taken in when the connection that brought it is closed.
    A worker that ended leaves its socket behind, which nobody answers on: names are used once.
    """

    def __init__(self, directory: Path, taken_in_within: float = TAKEN_IN_WITHIN) -> None:
        self.directory = directory
        self._taken_in_within = taken_in_within
        self.name = token_hex(8)
        self._hears: dict[str, Callable[[str], None]] = {}
        self._server: asyncio.Server | None = None

    def hear(self, kind: str, taken_in: Callable[[str], None]) -> None:
        """`taken_in` is called with what another worker tells of this kind."""
        self._hears[kind] = taken_in

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._listen, self._socket(self.name), limit=_LONGEST)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._socket(self.name).unlink(missing_ok=True)

    async def tell(self, kind: str, what: str = "") -> set[str]:
        """Tells all others, and returns the names of those that live, when they have taken it in or their time is up."""
        others = {path.stem for path in self.directory.glob("*.socket")} - {self.name}
        message = f"{kind} {what}\n".encode()
        live = await asyncio.gather(*(self._tell(name, message) for name in others))
        return {name for name, lives in zip(others, live, strict=True) if lives}

    async def _tell(self, name: str, message: bytes) -> bool:
        """Whether it lives."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._taken_in_within):
                try:
                    reader, writer = await asyncio.open_unix_connection(self._socket(name))
                except _NOT_THERE:
                    return False
                with contextlib.closing(writer):
                    return await _said(message, reader, writer)
        return True

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            kind, _, what = (await reader.readline()).decode().rstrip("\n").partition(" ")
            if kind in self._hears:
                self._hears[kind](what)

    def _socket(self, name: str) -> Path:
        return self.directory / f"{name}.socket"


async def _said(message: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether it was taken in; the other may end meanwhile."""
    try:
        writer.write(message)
        await reader.read()
    except ConnectionError:
        return False
    return True
