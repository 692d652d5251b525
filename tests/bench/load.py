"""Requests, one after the other or side by side, and how long they took."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psutil

TIMEOUT = aiohttp.ClientTimeout(total=120)


@dataclass(frozen=True)
class Target:
    """Somebody who answers chat completions; `url` is the base that its path is added to."""

    name: str
    url: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Timing:
    """Seconds until the first event of the answer (streamed: with content) and until its end."""

    first: float
    total: float


async def send(
    session: aiohttp.ClientSession,
    target: Target,
    body: Mapping[str, Any],
    *,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    **headers: str,
) -> Timing:
    """One request, read to its end, its events then told. Raises AssertionError unless it was answered with success."""
    started = time.perf_counter()
    first, reads = math.nan, []
    all_headers = {"authorization": f"Bearer {target.key}", **headers}
    async with session.post(f"{target.url}/v1/chat/completions", json=body, headers=all_headers) as response:
        async for data in response.content.iter_any():
            reads.append(data)
            if math.isnan(first) and b'"content"' in data:
                first = time.perf_counter() - started
    total = time.perf_counter() - started
    answer = b"".join(reads)
    assert response.status == 200, f"{target.name} answered {response.status}: {answer!r}"
    assert not body["stream"] or answer.endswith(b"data: [DONE]\n\n"), f"{target.name} broke off: {answer[-500:]!r}"
    if on_event is not None:
        for line in answer.splitlines():
            if line.startswith(b"data: {"):
                on_event(json.loads(line[6:]))
    return Timing(first, total)


async def side_by_side(count: int, width: int, one: Callable[[], Awaitable[Timing]]) -> list[Timing]:
    """So many requests, `width` of them at a time."""
    left = iter(range(count))

    async def worker() -> list[Timing]:
        return [await one() for _ in left]

    return [timing for timings in await asyncio.gather(*(worker() for _ in range(width))) for timing in timings]


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


@contextmanager
def cpu_of(*pids: int) -> Iterator[dict[int, float]]:
    """Seconds of CPU that each process used during the block; filled in at its end."""
    processes = {pid: psutil.Process(pid) for pid in pids}
    before = {pid: _cpu(process) for pid, process in processes.items()}
    used: dict[int, float] = {}
    yield used
    used.update({pid: _cpu(process) - before[pid] for pid, process in processes.items()})


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
