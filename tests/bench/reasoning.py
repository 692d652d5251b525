"""What our code costs per reasoning step, beyond the model's calls and the tools' work: the API right before the provider."""

import json
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp

from tests.bench.load import TIMEOUT, Target, cpu_of, send
from tests.bench.report import Table, ms
from tests.support.provider import ScriptedProvider

STEPS = (2, 12)
REQUESTS = 12
BLOCK_SECONDS = 8.0  # after which a row has to do with the requests it has
MODEL_DELAY = 0.02  # seconds that each call takes at least


@dataclass(frozen=True)
class Agent:
    """An API whose LLM is the provider itself."""

    target: Target
    pid: int


@dataclass(frozen=True)
class Cost:
    """Of one request, in seconds: `own` is its wall time less the time in which the provider or a tool was at work."""

    own: float
    cpu: float


async def measure(provider: ScriptedProvider, agents: list[Agent], *, scale: float) -> Table:
    """A step's cost is the difference between long and short requests, so that what each request costs once is left out."""
    rows = []
    for agent in agents:
        for tool in (None, "calculate"):
            short, long = [
                await _median(provider, agent, steps, tool, max(3, round(REQUESTS * scale))) for steps in STEPS
            ]
            [(fewer, more)] = pairwise(STEPS)
            per_step = [(b - a) / (more - fewer) for a, b in ((short.own, long.own), (short.cpu, long.cpu))]
            what = f"{agent.target.name}, {'a tool in each step' if tool else 'thinking only'}"
            rows.append((what, ms(per_step[0]), ms(per_step[1]), ms(short.own), ms(short.cpu)))
    head = ("", "latency per step", "CPU per step", f"latency of {STEPS[0]} steps and answer", "CPU of these")
    note = (
        "The tool's own time is its round trip over MCP, which is not counted as ours; the CPU that this takes us is."
    )
    return Table("A reasoning step beyond its call and its tool (ms)", head, rows, note)


async def _median(provider: ScriptedProvider, agent: Agent, steps: int, tool: str | None, requests: int) -> Cost:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        await _one(session, provider, agent, f"bench-warm-{agent.pid}-{steps}-{tool}", steps, tool)
        costs: list[Cost] = []
        deadline = time.monotonic() + BLOCK_SECONDS
        while len(costs) < requests and time.monotonic() < deadline:
            mark = f"bench-{agent.pid}-{steps}-{tool}-{len(costs)}-"
            costs.append(await _one(session, provider, agent, mark, steps, tool))
    # CPU clocks tick in hundredths of a second: only their sum over many requests says anything.
    cpu = sum(cost.cpu for cost in costs) / len(costs)
    return Cost(statistics.median(cost.own for cost in costs), cpu)


async def _one(
    session: aiohttp.ClientSession, provider: ScriptedProvider, agent: Agent, mark: str, steps: int, tool: str | None
) -> Cost:
    provider.script(*_replies(steps, tool), contains=mark)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": mark}], "stream": True}
    events: list[dict[str, Any]] = []
    with cpu_of(agent.pid) as used:
        timing = await send(session, agent.target, body, on_event=events.append, **{"x-routing-mode": "reasoning"})
    deltas = [choice["delta"] for event in events for choice in event.get("choices", ())]
    results = [delta["reasoning_event"] for delta in deltas if "reasoning_event" in delta]
    tools = sum(result["duration"] for result in results if result["type"] == "tool_result")
    calls = provider.requests(contains=mark)
    assert len(calls) == steps + 1, f"{len(calls)} calls were made for {steps} steps and an answer"
    return Cost(timing.total - tools - sum(call["ended_at"] - call["started_at"] for call in calls), used[agent.pid])


def _replies(steps: int, tool: str | None) -> list[dict[str, Any]]:
    """Steps that go on, one that ends, and the answer. No two calls of the tool are the same: that would end the loop."""
    action = "use_tools" if tool else "continue_thinking"

    def calls(number: int) -> list[dict[str, str]]:
        arguments = json.dumps({"expression": f"{number} * 7"})
        return [{"name": tool, "arguments": arguments, "reason": "to find out"}] if tool else []

    going_on = [_step(f"step {number}", action, calls(number)) for number in range(steps - 1)]
    return [*going_on, _step("enough", "finished", []), {"content": "Done.", "delay": MODEL_DELAY}]


def _step(thought: str, action: str, tools: list[dict[str, str]]) -> dict[str, Any]:
    step = {"thought": thought, "next_action": action, "tools_to_use": tools, "concurrent_execution": False}
    return {"json": step, "delay": MODEL_DELAY}
