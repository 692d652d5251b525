"""One line for each request that was answered, written many at a time: a line by itself would cost more than the rest of a call."""

import asyncio
import contextlib
import select
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TextIO

from starlette.types import Scope

WRITTEN_EVERY: Final = 0.2  # seconds


class Answered(NamedTuple):
    """`status` is None if the client left before there was one; `seconds` until the last byte."""

    at: float
    client: str
    method: str
    path: bytes
    status: int | None
    seconds: float
    request_id: str


class AccessLog:
    """Keeps lines for a moment and writes them together; what is kept at the end is written by `close`.

    `shared`: other processes write there too, so never more at once than a pipe takes whole, lest lines be torn.
    """

    def __init__(self, out: TextIO | None = None, *, shared: bool = False) -> None:
        self._out = out
        self._shared = shared
        self._kept: list[Answered] = []

    def ended(self, scope: Scope, status: int | None, seconds: float) -> None:
        """To be called within the running loop."""
        if not self._kept:
            asyncio.get_running_loop().call_later(WRITTEN_EVERY, self.close)
        client = scope.get("client")
        self._kept.append(
            Answered(
                time.time(),
                client[0] if client else "-",
                scope["method"],
                scope.get("raw_path") or scope["path"].encode(),
                status,
                seconds,
                scope.get("state", {}).get("request_id", "-"),
            )
        )

    def close(self) -> None:
        """Writes what is kept."""
        kept, self._kept = self._kept, []
        if kept:
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more
                out = self._out or sys.stdout
                lines = map(_line, kept)
                for portion in _portions(lines) if self._shared else ("".join(lines),):
                    out.write(portion)
                    out.flush()


def _portions(lines: Iterable[str]) -> Iterator[str]:
    """The lines in their order, no more than PIPE_BUF characters together unless one alone has more; they are ASCII."""
    portion = ""
    for line in lines:
        if portion and len(portion) + len(line) > select.PIPE_BUF:
            yield portion
            portion = ""
        portion += line
    if portion:
        yield portion


def _line(answered: Answered) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(answered.at))
    path = answered.path.decode("latin-1").encode("unicode_escape").decode("ascii")
    milliseconds = int(answered.at % 1 * 1000)
    return (
        f"{at},{milliseconds:03} INFO api.access: {answered.client} {answered.method} {path} "
        f"{answered.status or 'left'} {answered.seconds * 1000:.1f} ms {answered.request_id}\n"
    )
