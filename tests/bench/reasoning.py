"""What our code costs per reasoning step, beyond the model's calls and the tools' work: the API right before the provider."""

import json
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.client import Answer
from tests.bench.load import asking, usage
from tests.bench.report import Row, Target
from tests.bench.run import Run
from tests.bench.servers import TRACED, UNTRACED, Server
from tests.support.demo_tools import DemoTools
from tests.support.provider import ScriptedProvider, scripted_provider
from tests.support.reasoning import finished, mcp_config, said, step, tool, use

PART = "reasoning"
SHORT, LONG = 2, 12  # steps
REQUESTS = 12
MODEL_DELAY = 0.02  # seconds that each call takes at least
KINDS = {"thinking only": False, "a tool in each step": True}
TARGET = Target(1.5, of="value")


@dataclass(frozen=True)
class Cost:
    """Of one request, in seconds: `own` is its wall time less the time in which the provider or a tool was at work."""

    own: float
    cpu: float


async def measure(run: Run) -> list[Row]:
    """A step's cost is the difference between long and short requests, so that what each request costs once is left out."""
    rows: list[Row] = []
    with ExitStack() as resources:
        folder = Path(resources.enter_context(TemporaryDirectory()))
        provider = resources.enter_context(scripted_provider(folder))
        agents = _agents(run, provider, folder, resources)
        for kind, tools in KINDS.items():
            rows += await _rows(run, provider, agents, kind, tools=tools)
    return rows


def _agents(run: Run, provider: ScriptedProvider, folder: Path, resources: ExitStack) -> list[Server]:
    tools = DemoTools(folder)
    tools.start()
    resources.callback(tools.stop)
    config = {"MCP_CONFIG_PATH": str(mcp_config(folder, ("demo-tools", tools.url)))}
    tracing: Mapping[str, Mapping[str, str]] = {UNTRACED: {}, TRACED: run.servers.tracing}
    return [run.servers.api(name, provider.url, {**config, **settings}) for name, settings in tracing.items()]


async def _rows(run: Run, provider: ScriptedProvider, agents: list[Server], kind: str, *, tools: bool) -> list[Row]:
    costs: dict[tuple[str, int], list[Cost]] = {(agent.name, steps): [] for agent in agents for steps in (SHORT, LONG)}
    requests = run.count(REQUESTS)
    for number in range(-1, requests):
        run.say(f"{PART}: {kind}, {number + 1} of {requests}")
        for agent in agents if number % 2 else agents[::-1]:
            for steps in (SHORT, LONG):
                cost = await _one(provider, agent, steps, f"bench-{agent.pid}-{steps}-{tools}-{number}-", tools=tools)
                costs[agent.name, steps] += [cost] if number >= 0 else []
    return [row for agent in agents for row in _agent_rows(agent.name, kind, costs)]


def _agent_rows(name: str, kind: str, costs: dict[tuple[str, int], list[Cost]]) -> Iterator[Row]:
    short, long = costs[name, SHORT], costs[name, LONG]
    wall = statistics.median(cost.own for cost in long) - statistics.median(cost.own for cost in short)
    # CPU clocks tick in hundredths of a second: only their sum over many requests says anything.
    cpu = statistics.fmean(cost.cpu for cost in long) - statistics.fmean(cost.cpu for cost in short)
    for what, value in (("time", wall), ("CPU", cpu)):
        yield Row(PART, f"{what} of a step, {kind}, {name}", value / (LONG - SHORT) * 1e3, "ms", target=TARGET)


async def _one(provider: ScriptedProvider, agent: Server, steps: int, mark: str, *, tools: bool) -> Cost:
    provider.script(*_replies(steps, tools=tools), contains=mark)
    client = agent.client()
    with usage(agent.pid) as used:
        answer = await client.send(asking(mark, stream=True), {"x-routing-mode": "reasoning"})
    client.close()
    calls = provider.requests(contains=mark)
    assert len(calls) == steps + 1, f"{len(calls)} calls were made for {steps} steps and an answer"
    others = _in_tools(answer) + sum(call["ended_at"] - call["started_at"] for call in calls)
    return Cost(answer.total - others, used.cpu)


def _in_tools(answer: Answer) -> float:
    """Seconds of round trips over MCP, as the answer's events tell them."""
    lines = (line.removeprefix(b"data: ") for line in bytes(answer.body).splitlines() if line.startswith(b"data: {"))
    deltas: Iterator[dict[str, Any]] = (
        choice["delta"] for line in lines for choice in json.loads(line).get("choices", ())
    )
    events = (delta["reasoning_event"] for delta in deltas if "reasoning_event" in delta)
    return float(sum(event["duration"] for event in events if event["type"] == "tool_result"))


def _replies(steps: int, *, tools: bool) -> list[dict[str, Any]]:
    """Steps that go on, one that ends, and the answer. No two calls of the tool are the same: that would end the loop."""
    going_on = [
        use(tool("calculate", expression=f"{number} * 7"), thought=f"step {number}", delay=MODEL_DELAY)
        if tools
        else step("continue_thinking", f"step {number}", delay=MODEL_DELAY)
        for number in range(steps - 1)
    ]
    return [*going_on, finished("enough", delay=MODEL_DELAY), said("Done.", delay=MODEL_DELAY)]
