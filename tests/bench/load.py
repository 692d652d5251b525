"""Load on a target: for a time or a number of requests, some at a time; and what its processes used meanwhile."""

import asyncio
import math
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import clock_gettime, perf_counter
from typing import Any

import psutil

from tests.bench.client import Answer, Client


def asking(question: str = "Say something.", *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The body of a chat completion; to the upstream, the question says how it shall be answered."""
    messages = [{"role": "user", "content": question}]
    return {"model": "gpt-4o-mini", "messages": messages, "stream": stream, **fields}


async def for_seconds(client: Client, body: dict[str, Any], width: int, seconds: float) -> list[Answer]:
    """As many requests as come to their end in that time, `width` of them at a time."""
    until = perf_counter() + seconds
    answers: list[Answer] = []

    async def worker() -> None:
        while perf_counter() < until:
            answers.append(await client.send(body))

    await asyncio.gather(*(worker() for _ in range(width)))
    return answers


async def so_many(client: Client, body: dict[str, Any], width: int, count: int) -> list[Answer]:
    """`width` of them at a time."""
    left = iter(range(count))

    async def worker() -> list[Answer]:
        return [await client.send(body) for _ in left]

    return [answer for answers in await asyncio.gather(*(worker() for _ in range(width))) for answer in answers]


async def spread(client: Client, body: dict[str, Any], count: int, over: float) -> list[Answer]:
    """All side by side, their starts spread evenly over so many seconds."""

    async def one(number: int) -> Answer:
        await asyncio.sleep(number * over / count)
        return await client.send(body)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


@dataclass
class Used:
    """Seconds: of CPU, and on the clock."""

    cpu: float = math.nan
    wall: float = math.nan


@contextmanager
def usage(pid: int) -> Iterator[Used]:
    """What a process and all its children use during the block; filled in at its end."""
    used, began, before = Used(), perf_counter(), cpu(pid)
    yield used
    used.cpu, used.wall = cpu(pid) - before, perf_counter() - began


def cpu(pid: int) -> float:
    """Seconds that the process and all its children have used so far."""
    return sum(_cpu(process) for process in family(pid))


def _cpu(process: psutil.Process) -> float:
    """To the microsecond on Linux, whose clock of a process has an id made of the process's own (clock_getcpuclockid(3)).

    Elsewhere in hundredths of a second, a few of which are all that a second of short chunks takes.
    """
    if platform.system() == "Linux":
        return clock_gettime(~process.pid << 3 | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def memory(pid: int) -> float:
    """Resident megabytes of the process and all its children."""
    return float(sum(process.memory_info().rss for process in family(pid)) / 1e6)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1))]


def turns(names: Sequence[str], number: int) -> list[str]:
    """The order of one repeat: who comes first moves on, and every other repeat goes backwards."""
    moved = [*names[number % len(names) :], *names[: number % len(names)]]
    return moved if number % 2 == 0 else moved[::-1]
