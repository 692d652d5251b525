"""Streams: CPU of a chunk with 16 of them, the time to the first token, and whether anybody waits for an acknowledgement."""

import asyncio
from statistics import median
from typing import Any

from tests.bench.client import Answer, Client
from tests.bench.load import asking, cpu, percentile, so_many, turns
from tests.bench.plain import over_of
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import BARE, DIRECT, QUICK_RELAY, RELAY, SDK, TRACED, UNTRACED

PART = "stream"
WIDTH = 16
PACE = 0.02  # seconds
LEAST = 0.5  # seconds, as CPU clocks tick in hundredths
CONTESTANTS = (RELAY, QUICK_RELAY, BARE, SDK, UNTRACED, TRACED)
CPU_TARGETS = {UNTRACED: Target(1.1), TRACED: Target(1.1)}
FIRST_TARGETS = {1: Target(2, of="value"), WIDTH: Target(5, of="value")}
# Who waits for a delayed acknowledgement waits 40 ms, twice a chunk's pace.
HELD_BACK = 0.035  # seconds


async def measure(run: Run) -> list[Row]:
    clients = {name: run.servers.named(name).client() for name in (DIRECT, *CONTESTANTS)}
    for client in clients.values():
        await so_many(client, asking("chunks=5", stream=True), WIDTH, WIDTH)
    rows = await _chunk_rows(run, clients)
    for width in FIRST_TARGETS:
        rows += await _first_rows(run, clients, width)
    return [*rows, *[await _held_back(run, name, clients[name]) for name in CONTESTANTS]]


async def _chunk_rows(run: Run, clients: dict[str, Client]) -> list[Row]:
    cpus: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for repeat in run.repeats(PART):
        for name in turns(CONTESTANTS, repeat):
            cpus[name].append(await per_chunk(clients[name], run.servers.named(name).pid, max(LEAST, run.seconds(4))))
    return [
        Row(PART, f"CPU of a chunk, {name}", median(values), "µs", over_of(values, cpus[RELAY]), RELAY,
            CPU_TARGETS.get(name))
        for name, values in cpus.items()
    ]  # fmt: skip


async def per_chunk(client: Client, pid: int, seconds: float, **fields: Any) -> float:
    """Microseconds, from the middle of the streams: what begins and ends a stream is no chunk's."""
    body = asking(f"chunks={round(seconds / PACE) + 40} pace={PACE}", stream=True, **fields)
    streams = [asyncio.ensure_future(client.send(body)) for _ in range(WIDTH)]
    await asyncio.sleep(PACE * 10)
    events, used = client.events, cpu(pid)
    await asyncio.sleep(seconds)
    events, used = client.events - events, cpu(pid) - used
    await asyncio.gather(*streams)
    return used / events * 1e6


async def _first_rows(run: Run, clients: dict[str, Client], width: int) -> list[Row]:
    run.say(f"{PART}: first token, {width} at a time")
    answers: dict[str, list[Answer]] = {name: [] for name in clients}
    for number in range(run.count(200 if width == 1 else 40)):
        for name in turns(tuple(clients), number):
            answers[name] += await so_many(clients[name], asking("chunks=2 pace=0.005", stream=True), width, width)
    p50 = {name: percentile((one.first for one in got), 0.5) * 1e3 for name, got in answers.items()}
    relays = p50[RELAY] - p50[DIRECT]
    return [
        Row(PART, f"added to the first token, {width} at a time, {name}", p50[name] - p50[DIRECT], "ms",
            (p50[name] - p50[DIRECT]) / relays, RELAY, FIRST_TARGETS[width] if name in (UNTRACED, TRACED) else None)
        for name in CONTESTANTS
    ]  # fmt: skip


async def _held_back(run: Run, name: str, client: Client) -> Row:
    """On the way there: a body long after its head. On the way back: the same, or two chunks where one was due."""
    run.say(f"{PART}: acknowledgements, {name}")
    before = run.servers.upstream.ask("/counters")["late_bodies"]
    count = run.count(60)
    plain = await so_many(client, asking(), 1, count)
    streamed = await so_many(client, asking(f"chunks=10 pace={PACE}", stream=True), 1, count)
    late = sum(one.late > HELD_BACK for one in plain) + sum(_is_held_back(one) for one in streamed)
    late += run.servers.upstream.ask("/counters")["late_bodies"] - before
    target = Target(0, of="value") if name in (UNTRACED, TRACED) else None
    return Row(PART, f"held back for an acknowledgement, of {2 * count}, {name}", late, "", target=target)


def _is_held_back(answer: Answer) -> bool:
    return max(answer.late, answer.longest_gap) > HELD_BACK
