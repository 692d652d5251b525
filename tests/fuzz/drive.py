"""Many inputs, some at a time, while somebody stands by and the process is watched; what holds for all of them is judged here."""

import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import psutil

from tests.fuzz.bystander import Bystander
from tests.fuzz.findings import Findings
from tests.fuzz.surroundings import port_of
from tests.fuzz.watch import LogWatch, Memory, MemoryWatch, raised, sockets_back
from tests.support.api import TOKEN, RunningAPI

PROGRESS_EVERY = 5.0  # seconds
RECENT = 48  # inputs that may have caused what the log says now


@dataclass(frozen=True)
class Bounds:
    """`patience` is what a bystander has to wait at most, in seconds; memory in megabytes."""

    patience: float = 2.0
    growth: float = 300.0
    slope: float = 1.0  # a thousand inputs
    width: int = 16


@dataclass
class Tally:
    """What became of a part's inputs. `answers` by class of status, `explained` server errors by code."""

    part: str
    inputs: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    longest: float | None = None
    memory: Memory | None = None
    sockets: int | None = None
    seconds: float = 0.0


One = Callable[[int, Tally], Awaitable[bytes]]
"""Sends the input of this number, judges what comes back, and returns what it sent."""


class Drive:
    """One part against one API."""

    def __init__(self, api: RunningAPI, findings: Findings, bounds: Bounds, paths: Sequence[str]) -> None:
        self._api, self._findings, self._bounds, self._paths = api, findings, bounds, paths
        self._recent: deque[bytes] = deque(maxlen=RECENT)

    def run(self, part: str, numbers: range, one: One) -> Tally:
        """All inputs of these numbers."""
        tally, port = Tally(part), port_of(self._api)
        log, started = LogWatch(self._api.log), time.monotonic()
        with (
            MemoryWatch(self._api.process.pid) as memory,
            Bystander(port, TOKEN, self._paths) as bystander,
        ):
            asyncio.run(self._all(numbers, one, tally, memory, log, bystander))
        tally.longest, tally.memory, tally.seconds = (
            bystander.longest.seconds,
            memory.memory,
            time.monotonic() - started,
        )
        self._judge(tally, bystander)
        self._read(log, tally)
        return tally

    async def _all(
        self, numbers: range, one: One, tally: Tally, memory: MemoryWatch, log: LogWatch, bystander: Bystander
    ) -> None:
        left = iter(numbers)

        async def worker() -> None:
            for number in left:
                if self._api.process.poll() is not None:
                    return
                self._recent.append(await one(number, tally))
                tally.inputs += 1
                memory.inputs = tally.inputs

        working = asyncio.gather(*(worker() for _ in range(self._bounds.width)))
        shown = time.monotonic()
        while not working.done():
            await asyncio.wait({working}, timeout=0.5)
            self._read(log, tally)
            self._ask_the(bystander, tally)
            if time.monotonic() - shown > PROGRESS_EVERY:
                shown = time.monotonic()
                self._tell(tally, len(numbers), bystander)
        working.result()

    def _read(self, log: LogWatch, tally: Tally) -> None:
        for traceback in log.tracebacks():
            recent = b"\n---- one of these ----\n".join(self._recent)
            self._findings.add(tally.part, f"in the log: {raised(traceback)}", recent, traceback.encode())

    def _ask_the(self, bystander: Bystander, tally: Tally) -> None:
        """Soon after it waited, while it is known what was sent meanwhile."""
        longest = bystander.longest
        waited = longest.seconds
        if waited > max(self._bounds.patience, tally.longest or 0.0):
            recent = b"\n---- some of these ----\n".join(self._recent)
            self._findings.add(
                tally.part, f"a bystander waited too long for {longest.path}", recent, f"{waited:.2f} s".encode()
            )
            tally.longest = waited

    def _judge(self, tally: Tally, bystander: Bystander) -> None:
        def found(kind: str, detail: bytes = b"") -> None:
            self._findings.add(tally.part, kind, b"", detail)

        if self._api.process.poll() is not None:
            return found(f"the process ended with {self._api.process.returncode}")
        if bystander.refused:
            found("a bystander's valid request was not answered with 200", bystander.refused[0])
        memory = tally.memory
        if memory and (memory.after - memory.before > self._bounds.growth or memory.slope > self._bounds.slope):
            found("memory grew", repr(memory).encode())
        tally.sockets = sockets_back(self._api.process.pid, port_of(self._api))
        if tally.sockets:
            connections = psutil.Process(self._api.process.pid).net_connections("tcp")
            found("connections of clients that have left stay open", repr(connections).encode())
        return None

    def _tell(self, tally: Tally, total: int, bystander: Bystander) -> None:
        answers = ", ".join(f"{count:,} {name}" for name, count in sorted(tally.answers.items()))
        found = self._findings.of(tally.part)
        line = f"{tally.part}: {tally.inputs:,} of {total:,}; {answers}; longest wait {bystander.longest.seconds:.2f} s"
        print(f"{line}; {found} kinds of findings", file=sys.stderr, flush=True)
