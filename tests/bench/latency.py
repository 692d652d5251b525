"""Added latency of the API over calling LiteLLM directly: the targets take turns."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.bench.load import TIMEOUT, Target, Timing, percentile, send, side_by_side
from tests.bench.report import Table, ms, ratio

WARM_UP = 10
ROUNDS = {1: 600, 16: 8}  # by width
PER_ROUND = {1: 1, 16: 48}
# LiteLLM still keeps its books when it has answered.
SETTLE_SECONDS = {1: 0.0, 16: 0.5}
# Whoever comes right after another one may pay for it, so each follows each of the others equally often.
TURNS = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
BLOCK_SECONDS = 60.0  # after which a block of rounds ends, on a machine too busy for all of them
PERCENTILES = {"p50": 0.50, "p99": 0.99}
ENOUGH = 200  # calls of each target: of fewer, the 99th percentile would be little more than the slowest


@dataclass(frozen=True)
class Targets:
    """The same provider, asked directly, through LiteLLM, and through the API with tracing and without."""

    provider: Target
    litellm: Target
    traced: Target
    untraced: Target

    @property
    def all(self) -> Sequence[Target]:
        return self.provider, self.litellm, self.traced, self.untraced


async def measure(targets: Targets, question: str, *, scale: float) -> Table:
    """Rows for plain and streamed answers, one at a time and 16 side by side."""
    head = (
        "",
        "at a time",
        "calls",
        "provider",
        "LiteLLM",
        "API",
        "API, untraced",
        "added",
        "share",
        "untraced",
        "share",
    )
    rows: list[tuple[str, ...]] = []
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        for stream in (False, True):
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], "stream": stream}
            await _rounds(session, targets, body, width=1, rounds=WARM_UP, calls=1)
            for width in ROUNDS:
                rounds = len(TURNS) * max(1, round(ROUNDS[width] * scale / len(TURNS)))
                calls = max(width, round(PER_ROUND[width] * min(1.0, scale)))
                timings = await _rounds(session, targets, body, width=width, rounds=rounds, calls=calls)
                rows += _rows(targets, timings, width, stream=stream)
    return Table("Latency of a call (ms)", head, rows)


async def _rounds(
    session: aiohttp.ClientSession, targets: Targets, body: Mapping[str, Any], *, width: int, rounds: int, calls: int
) -> dict[str, list[Timing]]:
    timings: dict[str, list[Timing]] = {target.name: [] for target in targets.all}
    deadline = time.monotonic() + BLOCK_SECONDS
    for number in range(rounds):
        if number >= len(TURNS) and time.monotonic() > deadline:
            break
        for target in (targets.all[turn] for turn in TURNS[number % len(TURNS)]):

            async def one(target: Target = target) -> Timing:
                return await send(session, target, body)

            await asyncio.sleep(SETTLE_SECONDS[width])
            timings[target.name] += await side_by_side(calls, width, one)
    return timings


def _rows(targets: Targets, timings: dict[str, list[Timing]], width: int, *, stream: bool) -> list[tuple[str, ...]]:
    return [
        _row(targets, timings, width, percent, part, stream=stream)
        for part in (("first", "total") if stream else ("total",))
        for percent in PERCENTILES
        if percent == "p50" or len(timings[targets.litellm.name]) >= ENOUGH
    ]


def _row(
    targets: Targets, timings: dict[str, list[Timing]], width: int, percent: str, part: str, *, stream: bool
) -> tuple[str, ...]:
    provider, litellm, traced, untraced = (
        percentile([getattr(timing, part) for timing in timings[target.name]], PERCENTILES[percent])
        for target in targets.all
    )
    own = litellm - provider
    what = {"first": "streamed, first token", "total": "streamed, total" if stream else "plain"}[part]
    added = (ms(traced - litellm), ratio(traced - litellm, own), ms(untraced - litellm), ratio(untraced - litellm, own))
    calls = str(len(timings[targets.litellm.name]))
    return f"{what}, {percent}", str(width), calls, ms(provider), ms(litellm), ms(traced), ms(untraced), *added
