"""The API's process from outside: memory as it goes, sockets as they come back, and what its log says."""

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

SAMPLED_EVERY = 0.5  # seconds
MEGABYTE = 1024 * 1024
BACK_WITHIN = 20.0
_TRACEBACK = b"Traceback (most recent call last):"
_LINE_BEGINS = re.compile(rb"^(?=\d{4}-\d\d-\d\d |(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):)", re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """In megabytes; `slope` over the second half of the run, a thousand inputs, and 0 where that half is too short to tell."""

    before: float
    after: float
    slope: float


class MemoryWatch:
    """Samples the resident memory of a process while the block lasts; the watched part counts its inputs in `inputs`."""

    FEWEST = 10_000  # inputs of the second half that a slope is told of

    def __init__(self, pid: int) -> None:
        self.inputs = 0
        self._process = psutil.Process(pid)
        self._samples: list[tuple[int, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    @property
    def memory(self) -> Memory:
        first, last = self._samples[0], self._samples[-1]
        half = next(sample for sample in self._samples if sample[0] >= last[0] / 2)
        inputs = last[0] - half[0]
        slope = (last[1] - half[1]) / inputs * 1000 if inputs >= self.FEWEST else 0.0
        return Memory(first[1], last[1], slope)

    def _sample_on(self) -> None:
        while not self._over.wait(SAMPLED_EVERY):
            self._sample()

    def _sample(self) -> None:
        if self._process.is_running():
            self._samples.append((self.inputs, self._process.memory_info().rss / MEGABYTE))


def open_sockets(pid: int, port: int) -> int:
    """Connections of clients that the process still holds."""
    connections = psutil.Process(pid).net_connections("tcp")
    return sum(1 for one in connections if one.laddr.port == port and one.status != psutil.CONN_LISTEN)


def sockets_back(pid: int, port: int, *, within: float = BACK_WITHIN) -> int:
    """How many are left once all are gone, or once that has taken too long."""
    deadline = time.monotonic() + within
    while (left := open_sockets(pid, port)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


class LogWatch:
    """New tracebacks in a log, each once it is whole: when another line of the log has begun."""

    def __init__(self, log: Path) -> None:
        self._log, self._read = log, log.stat().st_size

    def tracebacks(self) -> list[str]:
        """Since the last time."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        # What may still be in the writing is read with the next.
        new = new[: new.rfind(b"\n") + 1]
        if (begun := list(_LINE_BEGINS.finditer(new))) and _TRACEBACK in new[begun[-1].start() :]:
            new = new[: begun[-1].start()]
        self._read += len(new)
        records = _LINE_BEGINS.split(new)
        return [record.decode(errors="replace") for record in records if _TRACEBACK in record]


def raised(traceback: str) -> str:
    """What it ends with, alike for all of a kind."""
    lines = [line for line in traceback.splitlines() if re.match(r"[\w.]+(: |$)", line)]
    return re.sub(r"0x[0-9a-f]+|\d+|'[^']*'|`[^`]*`", "…", lines[-1] if lines else "?")[:90]
