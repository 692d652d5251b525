"""A small real model behind the real stack: whatever it says, every request reaches an end, and all that it used is recorded.

It is far too small to plan well. So nothing is asked of its words: a step is one because the schema leaves it no other way. Now
and then it writes on until it is cut, since a schema bounds characters and a character may be many tokens: then it is asked once
more, and after the second such reply the request ends with an error.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.support.api import RunningAPI, running_api
from tests.support.ledgers import Ledgers
from tests.support.real_model import RealModel, real_model, served_by
from tests.support.reasoning import Stream, streamed

SDK_PROGRAM = Path(__file__).parent / "client_programs" / "anthropic_real_model.py"
SDK_PYTHON = str(bootstrap.venv("clients") / "bin" / "python")
pytestmark = pytest.mark.timeout(400)
STEPS, LONGEST, ANSWER_TOKENS = 2, 1500, 16
QUESTIONS = ["What is 12 * 7?", "Write a haiku about rain."]
ATTEMPTS = 2  # at a step
# All that a model can bring about: it is free to ask for the same calculation in both of its steps.
ENDS = {"finished", "max_steps", "repeated_tool_call"}
STREAMED: dict[str, Any] = {"stream_options": {"include_usage": True}, "stream": True}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealModel]:
    with real_model(tmp_path_factory.mktemp("model")) as served:
        yield served


@pytest.fixture(scope="module")
def api(stack: Instance, model: RealModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAPI]:
    """An API with one tool and little patience, on the stack that all tests share."""
    directory = tmp_path_factory.mktemp("real")
    settings = {
        "MCP_CONFIG_PATH": str(_one_tool(directory, stack)),
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "REASONING_MAX_STEPS": str(STEPS),
        "REASONING_MAX_STEP_TOKENS": str(LONGEST),
    }
    with (
        served_by(stack, model) as key,
        running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as running,
    ):
        yield running


def _one_tool(directory: Path, stack: Instance) -> Path:
    server = {"name": "demo", "transport": "streamable_http", "url": stack.url("demo-tools", "/mcp")}
    file = directory / "mcp_servers.yaml"
    file.write_text(json.dumps({"servers": [{**server, "allowed_tools": ["calculate"]}]}), encoding="utf-8")
    return file


def _ask(api: RunningAPI, model: RealModel, question: str, mode: str, **fields: Any) -> httpx.Response:
    body = {"model": model.name, "messages": [{"role": "user", "content": question}], "max_tokens": ANSWER_TOKENS}
    headers = {**api.headers, "x-routing-mode": mode}
    url = f"{api.base_url}/chat/completions"
    return httpx.post(url, json={**body, **fields}, headers=headers, timeout=300, trust_env=False)


def _whole(response: httpx.Response) -> Stream:
    assert response.status_code == 200, response.text
    stream = streamed(response)
    assert (stream.error, stream.done) == (None, True)
    return stream


def _steps_asked_for(api: RunningAPI) -> int:
    """How often this API has asked a model for a step so far."""
    page = httpx.get(f"{api.url}/metrics", headers=api.headers, trust_env=False).raise_for_status().text
    line = r'^gen_ai_client_operation_duration_seconds_count\{[^}]*operation="step_generation"[^}]*\} (\d+)'
    return sum(map(int, re.findall(line, page, re.MULTILINE)))


def _recorded(ledgers: Ledgers, response: httpx.Response, calls: int) -> dict[str, Any]:
    """What both ledgers say of this request: they agree with each other, and every call cost something and was bounded."""
    trace = response.headers["x-trace-id"]
    rows = ledgers.rows_of(trace, calls=calls)
    spans = ledgers.spans_of(trace, calls=calls)
    assert len(rows) == len(spans) == calls
    assert sum(row.tokens for row in rows) == sum(span.tokens for span in spans)
    assert all(row.cost > 0 and row.completion_tokens <= LONGEST for row in rows)
    return {
        "operations": sorted(str(row.operation) for row in rows),
        "total_tokens": sum(row.tokens for row in rows),
        "cost": pytest.approx(sum(row.cost for row in rows), abs=1e-9),
    }


def test_it_answers_plain(stack: Instance, api: RunningAPI, model: RealModel) -> None:
    ledgers = Ledgers.from_now(stack)
    response = _ask(api, model, "Tell me a long story.", "passthrough")
    answer = response.json()
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] in {"stop", "length"}
    assert 0 < answer["usage"]["completion_tokens"] <= ANSWER_TOKENS
    recorded = _recorded(ledgers, response, calls=1)
    assert (recorded["operations"], recorded["total_tokens"]) == (["chat"], answer["usage"]["total_tokens"])


def test_it_answers_streamed(stack: Instance, api: RunningAPI, model: RealModel) -> None:
    ledgers = Ledgers.from_now(stack)
    response = _ask(api, model, "Tell me a long story.", "passthrough", **STREAMED)
    stream = _whole(response)
    assert stream.text
    assert stream.usage is not None
    assert 0 < stream.usage["completion_tokens"] <= ANSWER_TOKENS
    recorded = _recorded(ledgers, response, calls=1)
    assert (recorded["operations"], recorded["total_tokens"]) == (["chat"], stream.usage["total_tokens"])


def _ask_for_a_message(api: RunningAPI, model: RealModel, path: str, **fields: Any) -> httpx.Response:
    """In Anthropic's dialect, which the model's own server speaks too."""
    body = {"model": model.as_anthropics, "messages": [{"role": "user", "content": "Tell me a long story."}], **fields}
    response = httpx.post(f"{api.base_url}{path}", json=body, headers=api.headers, timeout=300, trust_env=False)
    assert response.status_code == 200, response.text
    return response


def test_it_answers_as_a_message(stack: Instance, api: RunningAPI, model: RealModel) -> None:
    ledgers = Ledgers.from_now(stack)
    response = _ask_for_a_message(api, model, "/messages", max_tokens=ANSWER_TOKENS)
    message, counted = response.json(), _ask_for_a_message(api, model, "/messages/count_tokens").json()
    assert (message["type"], message["stop_reason"] in {"end_turn", "max_tokens"}) == ("message", True)
    used = message["usage"]
    assert 0 < used["output_tokens"] <= ANSWER_TOKENS
    # It counts what it reads from its cache beside the rest, as Anthropic does.
    read = used["input_tokens"] + used.get("cache_read_input_tokens", 0)
    assert counted["input_tokens"] > 0
    recorded = _recorded(ledgers, response, calls=1)
    assert (recorded["operations"], recorded["total_tokens"]) == (["messages"], read + used["output_tokens"])


def test_it_answers_as_a_streamed_message(stack: Instance, api: RunningAPI, model: RealModel) -> None:
    ledgers = Ledgers.from_now(stack)
    response = _ask_for_a_message(api, model, "/messages", max_tokens=ANSWER_TOKENS, stream=True)
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    events = [json.loads(line) for line in lines]
    assert (events[0]["type"], events[-1]) == ("message_start", {"type": "message_stop"})
    [delta] = [event for event in events if event["type"] == "message_delta"]
    assert 0 < delta["usage"]["output_tokens"] <= ANSWER_TOKENS
    assert _recorded(ledgers, response, calls=1)["operations"] == ["messages"]


def test_anthropics_sdk_understands_its_messages(api: RunningAPI, model: RealModel) -> None:
    done = subprocess.run(
        [SDK_PYTHON, str(SDK_PROGRAM), model.as_anthropics],
        env={
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_AUTH_TOKEN": api.headers["authorization"].removeprefix("Bearer "),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert set(told["types"]) == {"message"}
    assert set(told["ends"]) <= {"end_turn", "max_tokens", "tool_use"}
    assert all(0 < tokens <= ANSWER_TOKENS for tokens in told["output_tokens"])
    assert {kind for kinds in told["kinds"] for kind in kinds} <= {"text", "tool_use"}
    assert (told["same_text"], told["counted"] > 0) == (True, True)


@pytest.mark.parametrize("question", QUESTIONS)
def test_its_reasoning_reaches_an_end_and_is_recorded(
    stack: Instance, api: RunningAPI, model: RealModel, question: str
) -> None:
    ledgers, before = Ledgers.from_now(stack), _steps_asked_for(api)
    response = _ask(api, model, question, "reasoning", **STREAMED)
    asked, stream = _steps_asked_for(api) - before, streamed(response)
    plans = stream.of("planning")
    for plan in plans:
        assert 0 < plan["usage"]["completion_tokens"] <= ATTEMPTS * LONGEST
        assert (plan["next_action"] == "use_tools") is bool(plan["calls"])
        assert {call["name"] for call in plan["calls"]} <= {"calculate"}
        assert all(set(json.loads(call["arguments"])) == {"expression"} for call in plan["calls"])
    if stream.error is not None:
        assert (stream.error["code"], stream.done) == ("invalid_reasoning_step", False)
        assert len(plans) + ATTEMPTS <= asked <= ATTEMPTS * STEPS
        assert _recorded(ledgers, response, calls=asked)["operations"] == ["step_generation"] * asked
        return
    [complete] = stream.of("reasoning_complete")
    assert (complete["end"] in ENDS, stream.done) == (True, True)
    assert 1 <= len(plans) == complete["steps"] <= asked <= ATTEMPTS * STEPS
    recorded = _recorded(ledgers, response, calls=asked + 1)
    assert recorded["operations"] == ["step_generation"] * asked + ["synthesis"]
    assert stream.usage is not None
    assert (stream.usage["total_tokens"], stream.usage["cost"]) == (recorded["total_tokens"], recorded["cost"])


def test_its_reasoning_without_a_stream_is_the_answer_alone(stack: Instance, api: RunningAPI, model: RealModel) -> None:
    """Of three requests at least one is answered: not one in a hundred ends for want of a step."""
    for _ in range(3):
        ledgers, before = Ledgers.from_now(stack), _steps_asked_for(api)
        response = _ask(api, model, QUESTIONS[0], "reasoning")
        answer, asked = response.json(), _steps_asked_for(api) - before
        if response.status_code == 200:
            break
        assert (response.status_code, answer["error"]["code"]) == (502, "invalid_reasoning_step")
    assert answer["metadata"]["reasoning_end"] in ENDS
    assert isinstance(answer["choices"][0]["message"]["content"], str)
    recorded = _recorded(ledgers, response, calls=asked + 1)
    assert (answer["usage"]["total_tokens"], answer["usage"]["cost"]) == (recorded["total_tokens"], recorded["cost"])
