"""`Content-Encoding` of requests: decoded as it comes, a bounded piece at a time, whatever it claims to hold."""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Protocol

from api.errors import InvalidRequest, UnsupportedMediaType

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

TAKEN = "gzip, deflate, zstd"
PIECE = 256 * 1024  # bytes
# Each coding multiplies the work that a byte can make; nobody needs more than two.
_MOST_CODINGS = 3
# Members of gzip and frames of zstd cost most where they hold nothing; who writes more than one writes few.
_MOST_PARTS = 64
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's words for the three formats
# Eight MiB: more than any encoder may ask of a receiver by RFC 9659.
_ZSTD_WINDOW: dict[int, int] = {DecompressionParameter.window_log_max: 23}


class Decoder(Protocol):
    """Takes what comes and gives it decoded, in pieces of at most PIECE bytes."""

    @property
    def complete(self) -> bool: ...
    def pieces(self, data: bytes) -> Iterator[bytes]: ...


def codings(values: Iterable[str]) -> list[str]:
    """What the values of `Content-Encoding` name, in the order in which it was applied.

    Raises:
        UnsupportedMediaType: one that this server cannot undo.
    """
    named = [name.strip().lower() for value in values for name in value.split(",")]
    applied = [name for name in named if name not in ("", "identity")]
    unknown = [name for name in applied if name not in _DECODERS]
    if unknown or len(applied) > _MOST_CODINGS:
        raise UnsupportedMediaType(
            f"The Content-Encoding of the request must be one of: {TAKEN}; or leave the header out.",
            param="Content-Encoding",
            code="unsupported_content_encoding",
            headers={"accept-encoding": TAKEN},
        )
    return applied


async def decoded(body: AsyncIterator[bytes], applied: Iterable[str], *, most: int) -> AsyncIterator[bytes]:
    """The body without its codings. Stops early, one byte or more beyond it, when any of them holds more than `most` bytes.

    Raises:
        InvalidRequest: what came is not what the header says, or ends too early.
    """
    for name in reversed(list(applied)):
        body = _without(name, body, most)
    async for piece in body:
        yield piece


async def _without(name: str, body: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    decoder = _DECODERS[name]()
    size = 0
    try:
        async for data in body:
            for piece in decoder.pieces(data):
                size += len(piece)
                yield piece
                if size > most:
                    raise CodingTooLarge
                await asyncio.sleep(0)  # a small body may hold a lot: others get their turn in between
    except (zlib.error, ZstdError, EOFError):
        raise _broken(name) from None
    if not decoder.complete:
        raise _broken(name)


class CodingTooLarge(Exception):
    """A coding holds more than the body may, though what is within it need not."""


class _Zlib:
    """gzip, of one or several members, and deflate: with zlib's frame as HTTP has it, or without, as some clients send it."""

    def __init__(self, form: int) -> None:
        self._form = form
        self._inflate = zlib.decompressobj(form)
        self._began = False
        self._parts = 1

    @property
    def complete(self) -> bool:
        return self._inflate.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        more = bool(data)
        while more:
            piece = self._next(data)
            if piece:
                yield piece
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            more = bool(data) or (len(piece) == PIECE and not self._inflate.eof)

    def _next(self, data: bytes) -> bytes:
        if self._inflate.eof:
            self._parts += 1
            if self._form != _GZIP or self._parts > _MOST_PARTS:
                raise zlib.error
            self._inflate = zlib.decompressobj(_GZIP)
        elif not self._began and self._form == _ZLIB and not _starts_zlib(data):
            self._form, self._inflate = _RAW, zlib.decompressobj(_RAW)
        self._began = True
        return self._inflate.decompress(data, PIECE)


def _starts_zlib(data: bytes) -> bool:
    """By the first byte: method 8, and a window that zlib knows. No raw stream that an encoder writes starts so."""
    return data[0] & 0x0F == zlib.DEFLATED and data[0] >> 4 <= 7


class _Zstd:
    """zstd, of one or several frames."""

    def __init__(self) -> None:
        self._frame = ZstdDecompressor(options=_ZSTD_WINDOW)
        self._parts = 1

    @property
    def complete(self) -> bool:
        return self._frame.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._frame.needs_input or self._frame.eof):
            if self._frame.eof:
                self._parts += 1
                if self._parts > _MOST_PARTS:
                    raise ZstdError
                self._frame = ZstdDecompressor(options=_ZSTD_WINDOW)
            piece = self._frame.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._frame.unused_data if self._frame.eof else b""


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(_GZIP),
    "x-gzip": lambda: _Zlib(_GZIP),
    "deflate": lambda: _Zlib(_ZLIB),
    "zstd": _Zstd,
}


def _broken(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"The body of the request is not complete {name}, though its Content-Encoding says so.",
        param="Content-Encoding",
        code="invalid_content_encoding",
    )
