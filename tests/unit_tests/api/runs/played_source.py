"""A source whose events come when a test says so."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from api.context import Caller
from api.runs import Bounds, Run, Runs
from api.telemetry import Metrics

A, B = Caller("a"), Caller("b")
FAILED = b'data: {"error":"failed"}\n\n'


class PlayedSource:
    """Its stream ends with `None`, and fails with an error that is put into it."""

    def __init__(self) -> None:
        self.headers: Mapping[str, str] = {"x-trace-id": "t"}
        self.closed = False
        self._blocks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def tell(self, *blocks: bytes | Exception | None) -> None:
        for block in blocks:
            self._blocks.put_nowait(block)

    async def events(self) -> AsyncGenerator[bytes, None]:
        while (block := await self._blocks.get()) is not None:
            if isinstance(block, Exception):
                raise block
            yield block

    async def aclose(self) -> None:
        self.closed = True


class CountingMetrics(Metrics):
    def __init__(self) -> None:
        self.runs = self.bytes = 0

    def run_began(self) -> None:
        self.runs += 1

    def run_ended(self) -> None:
        self.runs -= 1

    def run_bytes(self, more: int) -> None:
        self.bytes += more


def event(number: int, filler: int = 0) -> bytes:
    return b'data: {"n":%d,"x":"%b"}\n\n' % (number, b"x" * filler)


def begun(runs: Runs, source: PlayedSource, caller: Caller = A) -> Run:
    with runs.place(caller) as place:
        return place.begin(source, lambda _error: FAILED)


async def settled() -> None:
    """Until no task of this loop has anything left to do that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


def runs_within(metrics: Metrics | None = None, **bounds: float) -> Runs:
    return Runs(Bounds(**bounds), metrics or Metrics())  # type: ignore[arg-type]
