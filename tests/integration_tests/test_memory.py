"""Callers with names and users with memories on the real stack: what is remembered, for whom, and what the records say of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack.instance import Instance
from operations.spend_rows import NONE
from operations.usage_tree import MAIN, treed
from tests.support.api import RunningAPI, running_api
from tests.support.client_shapes import client_shape
from tests.support.ledgers import Ledgers, settled
from tests.support.provider import ScriptedProvider
from tests.support.stack_client import StackClient, eventually

pytestmark = pytest.mark.timeout(240)

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
MEMORY = f"""
enabled: true
upstream: {{models: [{GPT}, {CLAUDE}]}}
answer_headers: [x-supermemory-*]
patterns:
  - {{header: user-agent, pattern: ^OpenAIClientImpl/Java, user_id: pycharm-ai}}
  - {{header: x-openwebui-user-id, pattern: ^(.+)$, user_id: "webui-{{1}}"}}
"""
# Callers' memory is their own; that of those who ask through such a page is for its headers to say.
PAGE = "page"
AGENTS = [(None, None), ("agent-1", None), ("agent-2", "agent-1"), ("agent-2", "agent-1")]


@dataclass(frozen=True)
class House:
    """An API under the tests' own key whose callers have names, and the ledgers from its start on."""

    api: RunningAPI
    ledgers: Ledgers
    callers: Path

    def ask(self, caller: str, says: str = "Hello.", *, model: str = GPT, **headers: str) -> httpx.Response:
        """`x_session_id="s"` is `x-session-id: s`."""
        body = {"model": model, "messages": [{"role": "user", "content": says}]}
        sent = {"x-api-key": _token(caller), **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = f"{self.api.base_url}/chat/completions"
        return httpx.post(url, json=body, headers=sent, timeout=60, trust_env=False)

    def message(self, caller: str, says: str = "Hello.", **headers: str) -> httpx.Response:
        """The same in Anthropic's dialect."""
        body = {"model": CLAUDE, "max_tokens": 99, "messages": [{"role": "user", "content": says}]}
        sent = {"x-api-key": _token(caller), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.post(f"{self.api.base_url}/messages", json=body, headers=sent, timeout=60, trust_env=False)

    def answer(self, caller: str, says: str, model: str) -> str:
        told: str = self.ask(caller, says, model=model).json()["choices"][0]["message"]["content"]
        return told


def _token(caller: str) -> str:
    return f"token-of-{caller}"


def _write(callers: Path, *names: str) -> None:
    """Callers of these names, each with a memory of its own."""
    digests = {name: sha256(_token(name).encode()).hexdigest() for name in names}
    lines = [f"- {{name: {n}, memory_user: user-{n}, tokens: [{{sha256: {d}}}]}}" for n, d in digests.items()]
    page = f"- {{name: {PAGE}, allowed: [set_memory_user], tokens: [{{sha256: {sha256(_token(PAGE).encode()).hexdigest()}}}]}}"
    callers.write_text("\n".join(["callers:", page, *lines]))


@pytest.fixture(scope="module")
def house(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    ledgers, callers, memory = Ledgers.from_now(stack), directory / "callers.yaml", directory / "memory_routing.yaml"
    _write(callers, "alice", "bob", "gone")
    memory.write_text(MEMORY)
    settings = {
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "API_TOKENS": "",
        "CALLERS_CONFIG_PATH": str(callers),
        "MEMORY_ROUTING_CONFIG_PATH": str(memory),
    }
    key = ledgers.settings["LITELLM_TEST_KEY"]
    with running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as api:
        yield House(api, ledgers, callers)


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_a_user_is_remembered_and_known_to_nobody_else(house: House, model: str) -> None:
    word = f"colour{uuid4().hex[:8]}"
    house.ask("alice", f"My {word} is teal.", model=model)
    question = f"What is my {word}?"
    assert house.answer("alice", question, model) == f"Your {word} is teal."
    assert house.answer("bob", question, model) == f"You never told me your {word}."


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_the_services_headers_come_back_to_the_client(house: House, model: str) -> None:
    answer = house.ask("alice", model=model, x_session_id="s-7")
    assert answer.headers["x-supermemory-conversation-id"] == "s-7"


def test_the_services_headers_come_back_with_a_plain_message(house: House) -> None:
    assert house.message("alice", x_session_id="s-8").headers["x-supermemory-conversation-id"] == "s-8"


@pytest.fixture(scope="module")
def session(house: House) -> list[httpx.Response]:
    """A session's calls, each of another agent of AGENTS, in both dialects in turn."""
    named = {"x_claude_code_session_id": f"session-{uuid4().hex}"}
    asked = []
    for number, (agent, parent) in enumerate(AGENTS):
        told = {"x_claude_code_agent_id": agent, "x_claude_code_parent_agent_id": parent}
        headers = named | {name: value for name, value in told.items() if value}
        asked.append(house.message("alice", **headers) if number % 2 else house.ask("alice", **headers))
    return asked


def _tokens(usage: dict[str, int]) -> int:
    return sum(usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"))


def _traces(session: list[httpx.Response]) -> list[str]:
    return [answer.headers["x-trace-id"] for answer in session]


def test_the_spend_log_names_caller_memory_user_session_and_agent(house: House, session: list[httpx.Response]) -> None:
    rows = house.ledgers.rows_of(*_traces(session), calls=len(AGENTS))
    told = {row.trace_id: (row.caller, row.end_user, row.memory_user, row.agent, row.parent_agent) for row in rows}
    expected = [("alice", "alice", "user-alice", agent or NONE, parent or NONE) for agent, parent in AGENTS]
    assert [told[trace] for trace in _traces(session)] == expected
    assert len({row.session for row in rows}) == 1


def test_the_agents_of_a_session_add_up_to_what_the_client_was_told(
    house: House, session: list[httpx.Response]
) -> None:
    rows = house.ledgers.rows_of(*_traces(session), calls=len(AGENTS))
    [found] = treed(rows).sessions
    assert [(agent.id, agent.parent, agent.depth) for agent in found.agents] == [
        (MAIN, None, 0), ("agent-1", None, 0), ("agent-2", "agent-1", 1),
    ]  # fmt: skip
    assert [agent.sums.calls for agent in found.agents] == [1, 1, 2]
    tokens = sum(_tokens(answer.json()["usage"]) for answer in session)
    assert sum(agent.sums.prompt_tokens + agent.sums.completion_tokens for agent in found.agents) == tokens
    cost = sum(float(answer.headers["x-litellm-response-cost"]) for answer in session)
    assert sum(agent.sums.cost for agent in found.agents) == pytest.approx(cost, abs=1e-12)


@pytest.mark.parametrize(
    ("number", "path", "operation"), [(2, "/v1/chat/completions", "chat"), (3, "/v1/messages", "messages")]
)
def test_an_agent_is_on_our_spans_and_none_of_litellms(
    house: House, session: list[httpx.Response], number: int, path: str, operation: str
) -> None:
    trace = _traces(session)[number]
    [call] = house.ledgers.spans_of(trace, calls=1)
    assert (call.metadata["memory_user"], "agent_id" in call.metadata) == ("user-alice", False)
    found = "metadata['agent_id'] == 'agent-2'"
    ours = settled(lambda: [span for span in house.ledgers.spans(found) if span.trace_id == trace], 2, within=30)
    assert {span.name for span in ours} == {f"POST {path}", f"passthrough.{operation}"}
    said = {"caller": "alice", "memory_user": "user-alice", "agent_id": "agent-2", "parent_agent_id": "agent-1"}
    assert all(span.metadata.items() >= said.items() for span in ours)


@pytest.mark.parametrize("number", [2, 3])
def test_litellm_takes_no_agent_of_a_session_for_one_of_its_own(
    stack: Instance, session: list[httpx.Response], number: int
) -> None:
    [row] = StackClient.of(stack).spend_rows(_traces(session)[number], calls=1)
    assert row.get("agent_id") in (None, "")


@pytest.mark.parametrize("client", ["pycharm", "open_webui"])
def test_a_client_that_cannot_be_run_here_is_answered_as_its_requests_are_known_to_be(
    house: House, stack: Instance, client: str
) -> None:
    shape, mark = client_shape(client), f"mark-{uuid4().hex}"
    sent = {**shape.headers, "authorization": f"Bearer {_token(PAGE)}"}
    with httpx.Client(base_url=house.api.base_url, headers=sent, timeout=60, trust_env=False) as asking:
        assert "gpt-4o-mini" in {model["id"] for model in asking.get("/models").raise_for_status().json()["data"]}
        answers = [asking.post("/chat/completions", json=body) for body in shape.bodies(mark)]
    for body, answer in zip(shape.requests, answers, strict=True):
        _is_whole(answer.raise_for_status(), body)
    arrived = [seen["headers"] for seen in ScriptedProvider(stack.url("demo-provider")).requests(contains=mark)]
    assert {seen["x-sm-user-id"] for seen in arrived} == {shape.memory_user}
    rows = house.ledgers.rows_of(*_traces(answers), calls=len(answers))
    known = {(row.caller, row.memory_user, row.session) for row in rows}
    assert (len(arrived), known) == (len(answers), {(PAGE, shape.memory_user, shape.session or NONE)})


def _is_whole(answer: httpx.Response, asked: dict[str, Any]) -> None:
    """A stream ends, and tells what it used to whoever asked; a plain answer says something."""
    if not asked["stream"]:
        assert answer.json()["choices"][0]["message"]["content"]
        return
    *chunks, done = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    told = [chunk for chunk in map(json.loads, chunks) if chunk.get("usage")]
    assert (done, len(told)) == ("[DONE]", 1 if "stream_options" in asked else 0)


def test_a_token_that_is_taken_away_is_refused_without_a_restart(house: House) -> None:
    assert house.ask("gone").status_code == 200
    _write(house.callers, "alice", "bob")
    eventually(lambda: house.ask("gone").status_code == 401 or None, "the token is refused", within=20)
    assert house.ask("alice").status_code == 200


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_a_providers_cookie_comes_back_with_its_users_calls_alone(house: House, stack: Instance, model: str) -> None:
    """Also where LiteLLM has a jar of its own for everybody."""
    provider = ScriptedProvider(stack.url("demo-provider"))

    def arrived(caller: str) -> str | None:
        mark = _setting_a_cookie(provider, caller)
        answer = house.ask(caller, mark, model=model)
        assert "set-cookie" not in answer.headers
        return _cookie(provider, mark)

    assert [arrived("alice"), arrived("bob"), arrived("alice"), arrived("bob")] == [
        _shown(""),
        _shown(""),
        _shown("__cf_bm=alice"),
        _shown("__cf_bm=bob"),
    ]


def test_a_cookie_of_a_plain_message_comes_back(house: House, stack: Instance) -> None:
    provider = ScriptedProvider(stack.url("demo-provider"))
    answer = house.message("alice", _setting_a_cookie(provider, "anew"))
    house.message("alice", mark := f"mark-{uuid4().hex}")
    assert (_cookie(provider, mark), "set-cookie" in answer.headers) == (_shown("__cf_bm=anew"), False)


def _setting_a_cookie(provider: ScriptedProvider, value: str) -> str:
    """A word that no other request contains, and is answered with this cookie."""
    mark = f"mark-{uuid4().hex}"
    cookie = {"set-cookie": f"__cf_bm={value}; path=/; HttpOnly"}
    provider.script({"content": "Hello.", "headers": cookie}, contains=mark)
    return mark


def _cookie(provider: ScriptedProvider, mark: str) -> str | None:
    [seen] = provider.requests(contains=mark)
    told: str | None = seen["headers"].get("cookie")
    return told


def _shown(cookie: str) -> str:
    """As the demo provider records what is secret."""
    return f"sha256:{sha256(cookie.encode()).hexdigest()[:12]}"
