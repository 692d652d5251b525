"""CPU of a plain request, and of a streamed chunk: the same streams with many chunks and with one, and their difference.

CPU says more than the clock on a machine that others use too.
"""

from dataclasses import dataclass

import aiohttp

from tests.bench.load import TIMEOUT, Target, cpu_of, send, side_by_side
from tests.bench.report import Table, ratio, us
from tests.support.provider import ScriptedProvider

STREAMS = 8
CHUNKS = 150
PLAIN = 160
PACE = 0.02  # seconds between chunks, as a quick model has it; without it, many chunks would arrive as one


@dataclass(frozen=True)
class Relay:
    """An API, and the processes whose CPU is counted: its own, and LiteLLM's behind it."""

    target: Target
    pid: int
    litellm_pid: int


async def measure(provider: ScriptedProvider, relays: list[Relay], *, scale: float) -> Table:
    chunks, plain = max(20, round(CHUNKS * scale)), max(STREAMS, round(PLAIN * scale))
    provider.script({"content": "word"}, contains="bench-plain", repeat_last=True)
    provider.script(_reply(chunks), contains="bench-many-chunks", repeat_last=True)
    provider.script(_reply(1), contains="bench-one-chunk", repeat_last=True)
    rows: list[tuple[str, ...]] = []
    for relay in relays:
        await _cpu(relay, "bench-plain", STREAMS)
        requests = [used / plain for used in await _cpu(relay, "bench-plain", plain)]
        rows.append((f"plain request, {relay.target.name}", *map(us, requests), ratio(requests[0], requests[1])))
        few, many = [await _cpu(relay, f"bench-{name}", STREAMS, stream=True) for name in ("one-chunk", "many-chunks")]
        each = [(after - before) / (STREAMS * (chunks - 1)) for before, after in zip(few, many, strict=True)]
        rows.append((f"streamed chunk, {relay.target.name}", *map(us, each), ratio(each[0], each[1])))
    note = f"{plain} plain requests, {STREAMS} side by side; {STREAMS} streams of {chunks} chunks, {PACE * 1000:.0f} ms apart."
    return Table("CPU (µs)", ("", "API", "LiteLLM", "share"), rows, note)


def _reply(chunks: int) -> dict[str, object]:
    # LiteLLM ends a stream that says the same a hundred times.
    return {"chunks": [f"word{number} " for number in range(chunks)], "chunk_delay": PACE}


async def _cpu(relay: Relay, question: str, requests: int, *, stream: bool = False) -> tuple[float, float]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], "stream": stream}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        with cpu_of(relay.pid, relay.litellm_pid) as used:
            await side_by_side(requests, STREAMS, lambda: send(session, relay.target, body))
    return used[relay.pid], used[relay.litellm_pid]
