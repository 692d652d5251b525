"""Both sides asked in turn, and what that took: on the clock, and of the CPU of LiteLLM and its database's engine."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from tests.bench.client import Client
from tests.bench.litellm import METADATA
from tests.bench.load import asking, cpu, memory, percentile, turns
from tests.bench.share.sides import Side

QUESTION = "bench-litellm"
WARM_UP = 40
SETTLE = 6.0  # seconds until the rows and the spans of what was asked are written


@dataclass
class Measured:
    """Times in milliseconds, of each call; CPU in milliseconds a call; megabytes."""

    took: list[float] = field(default_factory=list)
    cpu: float = 0.0
    memory: float = 0.0

    def figures(self) -> dict[str, float]:
        return {
            "p50": percentile(self.took, 0.5),
            "mean": sum(self.took) / len(self.took),
            "p99": percentile(self.took, 0.99),
            "CPU": self.cpu,
            "memory": self.memory,
        }


async def measured(sides: Sequence[Side], calls: int, *, width: int, chain: bool) -> list[Measured]:
    """`calls` of each side, `width` of them at a time; in the order of the sides."""
    await _asked(sides, WARM_UP, width, chain=chain)
    await asyncio.sleep(SETTLE)
    before = [cpu(side.pid) for side in sides]
    took = await _asked(sides, calls, width, chain=chain)
    # What is written after the answers is the calls' too.
    await asyncio.sleep(SETTLE)
    return [
        Measured(took[side.name], (cpu(side.pid) - used) / len(took[side.name]) * 1e3, memory(side.pid))
        for side, used in zip(sides, before, strict=True)
    ]


async def _asked(sides: Sequence[Side], calls: int, width: int, *, chain: bool) -> dict[str, list[float]]:
    by_name = {side.name: side for side in sides}
    took: dict[str, list[float]] = {name: [] for name in by_name}
    for number in range(max(1, calls // width)):
        for name in turns(tuple(by_name), number):
            side = by_name[name]
            took[name] += await asyncio.gather(*(_call(side.client, side.sampled, chain) for _ in range(width)))
    return took


async def _call(client: Client, sampled: bool, chain: bool) -> float:
    """With what the API would tell LiteLLM, where there is no API in between; in milliseconds."""
    body = asking(QUESTION) if chain else asking(QUESTION, metadata=METADATA)
    traced = sampled and not chain
    headers = {"traceparent": f"00-{token_hex(16)}-{token_hex(8)}-01"} if traced else {}
    return (await client.send(body, headers)).total * 1e3
