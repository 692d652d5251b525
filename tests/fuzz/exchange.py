"""One connection: what is sent, in which pieces, and all that comes back."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
READ = 65536


@dataclass(frozen=True)
class Received:
    """All that the server said, and how it ended: `closed` in time, or `reset` too, whereby what it had said may be lost."""

    data: bytes
    closed: bool
    reset: bool = False


async def exchange(
    port: int,
    pieces: Sequence[bytes],
    *,
    within: float,
    pause: float = 0.0,
    half_close: bool = False,
    first: float | None = None,
    quiet: float | None = None,
) -> Received:
    """Sends the pieces and reads on until the server closes, or `within` seconds are over.

    If asked, it leaves earlier: when nothing at all has come for `first` seconds, or nothing more for `quiet` seconds.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    received = bytearray()
    sending = asyncio.create_task(_send(writer, pieces, pause, half_close=half_close))
    try:
        async with asyncio.timeout(within):
            closed = await _read(reader, received, sending, first, quiet)
    except TimeoutError:
        return Received(bytes(received), closed=False)
    except OSError:
        return Received(bytes(received), closed=True, reset=True)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
    return Received(bytes(received), closed)


async def _send(writer: asyncio.StreamWriter, pieces: Sequence[bytes], pause: float, *, half_close: bool) -> None:
    """Until the server has left: it may have said all it has to say before everything was sent."""
    with contextlib.suppress(OSError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if half_close:
            writer.write_eof()


async def _read(
    reader: asyncio.StreamReader,
    received: bytearray,
    sending: asyncio.Task[None],
    first: float | None,
    quiet: float | None,
) -> bool:
    """Whether it ended because the server closed."""
    while True:
        try:
            async with asyncio.timeout(quiet if received else first):
                block = await reader.read(READ)
        except TimeoutError:
            if sending.done():
                return False
            continue
        if not block:
            return True
        received += block
