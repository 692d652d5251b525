"""Coding agents ask for reasoning beside their own tools: theirs and ours do one task, which is shown, told and charged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local_stack.instance import Instance
from operations.spend_rows import SpendRow
from tests.clients.agent import Agent
from tests.clients.agents import Cline, Continue, OpenCode
from tests.clients.relay import Exchange, Relay, relay_to
from tests.support.ledgers import Ledgers, settled
from tests.support.provider import ScriptedProvider
from tests.support.stack_client import StackClient

AGENTS = {agent.package: agent for agent in (OpenCode, Cline, Continue)}
NUMBERS, PRODUCT = "123456789 and 987654321", "121932631112635269"
ANSWER = f"The product is {PRODUCT}."
THOUGHTS = ("Let me read the file.", "Now the product.", "That is all.")
TASK = "read a.txt, and tell me the exact product of the two numbers in it."
TITLES = "You are a title generator"


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain."""
    return f"mark-{uuid4().hex}"


@pytest.fixture
def relay(stack: Instance) -> Iterator[Relay]:
    with relay_to(stack.url("api")) as relay:
        yield relay


@pytest.fixture(params=AGENTS)
def agent(
    request: pytest.FixtureRequest, relay: Relay, provider: ScriptedProvider, stack: Instance, tmp_path: Path
) -> Agent:
    """Each of them, in a project with the numbers; titles for its sessions are not what is scripted for the task."""
    provider.script({"content": "A product"}, contains=TITLES, repeat_last=True)
    made = AGENTS[request.param](relay.url, StackClient.of(stack).token, tmp_path)
    _numbers(made).write_text(f"The numbers are {NUMBERS}.\n")
    return made


def _numbers(agent: Agent) -> Path:
    return agent.project / "a.txt"


def _used(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _step(thought: str, call: dict[str, Any] | None = None) -> dict[str, Any]:
    """As the model says it; each uses other numbers of tokens."""
    calls = [{**call, "arguments": json.dumps(call["arguments"]), "reason": "it is asked for"}] if call else []
    step = {"thought": thought, "next_action": "use_tools" if call else "finished", "tools_to_use": calls}
    return {"json": step | {"concurrent_execution": False}, "usage": _used(1000 + len(thought), 10 + len(calls))}


CALCULATES = {"name": "calculate", "arguments": {"expression": "123456789 * 987654321"}}
ANSWERS = {"content": ANSWER, "usage": _used(2000, 30)}
USED = (5000 + sum(map(len, THOUGHTS)), 62)


def _reads(agent: Agent) -> dict[str, Any]:
    return agent.reads(_numbers(agent))


def _turns(relay: Relay, mark: str) -> list[Exchange]:
    """What the agent asked for the task itself."""
    return [exchange for exchange in relay.those_with(mark) if exchange.body.get("tools")]


def _rows(ledgers: Ledgers, exchanges: list[Exchange], calls: int) -> list[SpendRow]:
    traces = {exchange.trace_id for exchange in exchanges}
    found = settled(lambda: [row for row in ledgers.rows() if row.trace_id in traces], calls, within=60)
    return sorted(found, key=lambda row: row.started)


def _charged(rows: list[SpendRow]) -> tuple[int, int]:
    return sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)


def _told(exchanges: list[Exchange]) -> tuple[int, int]:
    used = [exchange.usage for exchange in exchanges]
    return sum(one["prompt_tokens"] for one in used), sum(one["completion_tokens"] for one in used)


def _calls(provider: ScriptedProvider, mark: str) -> list[dict[str, Any]]:
    """What reached the model of it, oldest first."""
    bodies = [request["body"] for request in provider.requests(contains=mark)]
    return [body for body in bodies if TITLES not in json.dumps(body)]


def _seen(calls: list[dict[str, Any]], text: str) -> list[bool]:
    return [text in json.dumps(call["messages"]) for call in calls]


def test_the_clients_tool_and_then_ours_do_a_task(
    agent: Agent, relay: Relay, provider: ScriptedProvider, mark: str
) -> None:
    read, product, enough = THOUGHTS
    provider.script(_step(read, _reads(agent)), _step(product, CALCULATES), _step(enough), ANSWERS, contains=mark)
    showed = agent.show(f"{mark}: {TASK}")
    assert showed.answer == ANSWER
    asked, went_on = _turns(relay, mark)
    assert [asked.finish_reasons, went_on.finish_reasons] == [["tool_calls"], ["stop"]]
    assert [message["role"] for message in went_on.messages[-2:]] == ["assistant", "tool"]
    assert NUMBERS in json.dumps(went_on.messages[-1])
    calls = _calls(provider, mark)
    assert _seen(calls, NUMBERS) == [False, True, True, True]
    assert _seen(calls, PRODUCT) == [False, False, True, True]
    assert not any("tools" in call for call in calls)


def test_what_our_tool_found_is_still_known_when_the_clients_has_answered(
    agent: Agent, relay: Relay, provider: ScriptedProvider, mark: str
) -> None:
    read, product, enough = THOUGHTS
    provider.script(_step(product, CALCULATES), _step(read, _reads(agent)), _step(enough), ANSWERS, contains=mark)
    assert agent.show(f"{mark}: {TASK}").answer == ANSWER
    asked, went_on = _turns(relay, mark)
    assert [asked.finish_reasons, went_on.finish_reasons] == [["tool_calls"], ["stop"]]
    assert PRODUCT in json.dumps(went_on.messages[-2])
    calls = _calls(provider, mark)
    assert _seen(calls, PRODUCT) == [False, True, True, True]
    assert _seen(calls, NUMBERS) == [False, False, True, True]


def test_the_client_is_told_of_as_many_tokens_as_are_charged(
    agent: Agent, relay: Relay, provider: ScriptedProvider, stack: Instance, mark: str
) -> None:
    read, product, enough = THOUGHTS
    provider.script(_step(read, _reads(agent)), _step(product, CALCULATES), _step(enough), ANSWERS, contains=mark)
    ledgers = Ledgers.from_now(stack)
    showed = agent.show(f"{mark}: {TASK}")
    turns = _turns(relay, mark)
    rows = _rows(ledgers, turns, calls=4)
    assert _charged(rows) == _told(turns) == USED
    assert showed.tokens in (USED, None)
    assert {row.component for row in rows} == {"reasoning-agent"}
    assert [row.operation for row in rows] == [*["step_generation"] * 3, "synthesis"]
    assert all(row.cost > 0 for row in rows)
    spans = ledgers.spans_of(*{row.trace_id for row in rows}, calls=4)
    assert sum(span.tokens for span in spans) == sum(USED)


@pytest.mark.parametrize("agent", [OpenCode.package, Cline.package], indirect=True)
def test_thoughts_and_tools_are_shown(agent: Agent, provider: ScriptedProvider, mark: str) -> None:
    read, product, enough = THOUGHTS
    provider.script(_step(read, _reads(agent)), _step(product, CALCULATES), _step(enough), ANSWERS, contains=mark)
    showed = agent.show(f"{mark}: {TASK}")
    assert showed.tools == [_reads(agent)["name"]]
    told = [*THOUGHTS[:2], "→ calculate(", f"← calculate: {PRODUCT}", THOUGHTS[2]]
    assert [told.index(part) for part in told if part in showed.thoughts] == list(range(len(told)))


@pytest.mark.parametrize("agent", [OpenCode.package], indirect=True)
def test_opencodes_session_has_what_the_task_and_its_title_cost(
    agent: Agent, relay: Relay, provider: ScriptedProvider, stack: Instance, mark: str
) -> None:
    read, product, enough = THOUGHTS
    provider.script(_step(read, _reads(agent)), _step(product, CALCULATES), _step(enough), ANSWERS, contains=mark)
    ledgers = Ledgers.from_now(stack)
    agent.show(f"{mark}: {TASK}")
    exchanges = relay.those_with(mark)
    rows = _rows(ledgers, exchanges, calls=5)
    assert _charged(rows) == _told(exchanges)
    assert {row.session for row in rows} == {exchange.headers["x-session-id"] for exchange in exchanges}
    assert len({row.session for row in rows}) == 1
    assert [row.component for row in rows if row.operation == "title"] == ["passthrough"]
