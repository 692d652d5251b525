"""Calls that do not wait for each other: five take as long as the slowest, two hundred share what connections there are."""

import asyncio
from statistics import median
from time import perf_counter

from tests.bench.client import Client
from tests.bench.load import asking, so_many
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import TRACED, UNTRACED

PART = "parallel"
DELAYS = (0.2, 0.3, 0.4, 0.5, 1.0)  # seconds that the upstream takes
MANY, EACH = 200, 0.5  # so many at once, and the seconds that each takes
# One that waited for another's connection would take twice as long; what is above the delay itself is this machine's work.
MANY_WITHIN = 2 * EACH - 0.05
KEPT = 100  # connections that so many more may open: those of the first are kept


async def measure(run: Run) -> list[Row]:
    rows: list[Row] = []
    for name in (UNTRACED, TRACED):
        client = run.servers.named(name).client()
        await so_many(client, asking(), 5, 10)
        rows += [await _five(run, name, client), *await _many(run, name, client)]
        client.close()
    return rows


async def _five(run: Run, name: str, client: Client) -> Row:
    shares = []
    for _ in run.repeats(f"{PART}: five, {name}"):
        began = perf_counter()
        await asyncio.gather(*(client.send(asking(f"delay={delay}")) for delay in DELAYS))
        shares.append(max(DELAYS) / (perf_counter() - began))
    target = Target(0.99, of="value", at="least")
    return Row(PART, f"the slowest's time over that of all five, {name}", median(shares), "", target=target)


async def _many(run: Run, name: str, client: Client) -> list[Row]:
    took, opened = [], []
    for _ in range(2):
        run.say(f"{PART}: {MANY} at once, {name}")
        before, began = run.servers.upstream.ask("/counters")["accepted"], perf_counter()
        await so_many(client, asking(f"delay={EACH}"), MANY, MANY)
        took.append(perf_counter() - began)
        opened.append(run.servers.upstream.ask("/counters")["accepted"] - before - 1)  # that of this question
    return [
        Row(PART, f"{MANY} at once, {EACH} s each, {name}", took[1], "s", target=Target(MANY_WITHIN, of="value")),
        Row(PART, f"connections opened by {MANY} more, {name}", opened[1], "", target=Target(KEPT, of="value")),
    ]
