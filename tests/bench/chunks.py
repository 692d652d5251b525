"""CPU per streamed chunk: the same streams with many chunks and with one, and what the difference costs."""

from dataclasses import dataclass

import aiohttp

from tests.bench.load import TIMEOUT, Target, cpu_of, send, side_by_side
from tests.bench.report import Table, ratio, us
from tests.support.provider import ScriptedProvider

STREAMS = 8
CHUNKS = 150
PACE = 0.02  # seconds between chunks, as a quick model has it; without it, many chunks would arrive as one


@dataclass(frozen=True)
class Relay:
    """An API, and the processes whose CPU is counted: its own, and LiteLLM's behind it."""

    target: Target
    pid: int
    litellm_pid: int


async def measure(provider: ScriptedProvider, relays: list[Relay], *, scale: float) -> Table:
    chunks = max(20, round(CHUNKS * scale))
    provider.script(_reply(chunks), contains="bench-many-chunks", repeat_last=True)
    provider.script(_reply(1), contains="bench-one-chunk", repeat_last=True)
    rows = []
    for relay in relays:
        few, many = await _cpu(relay, "bench-one-chunk"), await _cpu(relay, "bench-many-chunks")
        per_chunk = [(after - before) / (STREAMS * (chunks - 1)) for before, after in zip(few, many, strict=True)]
        rows.append((relay.target.name, us(per_chunk[0]), us(per_chunk[1]), ratio(per_chunk[0], per_chunk[1])))
    head = ("", "API", "LiteLLM", "share")
    return Table(
        f"CPU per streamed chunk (µs), {STREAMS} streams of {chunks} chunks, {PACE * 1000:.0f} ms apart", head, rows
    )


def _reply(chunks: int) -> dict[str, object]:
    return {"chunks": ["word "] * chunks, "chunk_delay": PACE}


async def _cpu(relay: Relay, question: str) -> tuple[float, float]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], "stream": True}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        with cpu_of(relay.pid, relay.litellm_pid) as used:
            await side_by_side(STREAMS, STREAMS, lambda: send(session, relay.target, body))
    return used[relay.pid], used[relay.litellm_pid]
