"""Reasoning through the real LiteLLM: every end, repairs, what reaches each provider, and what each call is charged."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import env_file
from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import ANSWER, script_two_tools
from tests.support.api import RunningAPI, running_api
from tests.support.ledgers import Ledgers
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import (
    ask,
    ask_streamed,
    body,
    counted,
    finished,
    reasoning_headers,
    said,
    step,
    streamed,
    tool,
    use,
)

THINK = step("continue_thinking")
LOOK = use(tool("calculate", expression="6 * 7"))
BAD = {"content": "I think we should calculate."}
OVERFLOW = {"message": "prompt is too long: 208310 tokens > 200000 maximum", "type": "invalid_request_error"}
GPT, CLAUDE = "gpt-4o", "claude-haiku-4-5"
# Which API is asked, which model, what it replies, and how the reasoning ends.
ENDS: dict[str, tuple[str, str, list[dict[str, Any]], str]] = {
    "finished": ("limited", GPT, [LOOK, finished()], "finished"),
    "steps": ("limited", GPT, [LOOK, THINK, THINK], "max_steps"),
    "time, while the model plans": ("timed", GPT, [LOOK, {**finished(), "delay": 4}], "max_seconds"),
    "tokens": ("limited", GPT, [{**LOOK, "usage": counted(50_000, 1)}], "max_tokens"),
    "dollars": ("limited", GPT, [{**LOOK, "usage": counted(10, 40_000)}], "max_cost"),
    "three identical calls": ("limited", GPT, [LOOK, LOOK, LOOK], "repeated_tool_call"),
    "context": ("limited", CLAUDE, [LOOK, {"status": 400, "error": OVERFLOW}], "context_length_exceeded"),
    "refused by OpenAI": ("limited", GPT, [LOOK, {"refusal": "I will not."}], "refused"),
    "refused by Anthropic": ("limited", CLAUDE, [LOOK, {"refusal": "I will not."}], "refused"),
}


def _started(
    stack: Instance, factory: pytest.TempPathFactory, name: str, **limits: str
) -> AbstractContextManager[RunningAPI]:
    settings = {
        "DEMO_TOOLS_URL": stack.url("demo-tools", "/mcp"),
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        **limits,
    }
    key = env_file.read(stack.env_file)["LITELLM_TEST_KEY"]
    return running_api(factory.mktemp(name), llm_base_url=stack.url("litellm"), llm_api_key=key, **settings)


@pytest.fixture(scope="module")
def limited(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAPI]:
    limits = {"REASONING_MAX_STEPS": "3", "REASONING_MAX_TOKENS": "50000", "REASONING_MAX_COST": "0.3"}
    with _started(stack, tmp_path_factory, "limited", **limits) as api:
        yield api


@pytest.fixture(scope="module")
def timed(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAPI]:
    with _started(stack, tmp_path_factory, "timed", REASONING_MAX_SECONDS="2") as api:
        yield api


@pytest.fixture
def provider(stack: Instance) -> ScriptedProvider:
    return ScriptedProvider(stack.url("demo-provider"))


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain, and in which nobody reads a figure."""
    return "mark" + uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


@pytest.mark.parametrize("case", ENDS)
def test_every_end_is_named_and_answered_with_what_was_found(
    provider: ScriptedProvider, mark: str, case: str, request: pytest.FixtureRequest
) -> None:
    name, model, replies, end = ENDS[case]
    provider.script(*replies, said("What there is."), contains=mark)
    stream = ask_streamed(request.getfixturevalue(name), mark, model=model)
    assert [event["end"] for event in stream.of("reasoning_complete")] == [end]
    assert (stream.text, stream.error, stream.done) == ("What there is.", None, True)
    assert ("(stopped: " in stream.thinking) is (end != "finished")
    synthesis = str(provider.requests(contains=mark)[-1]["body"])
    assert ("say what is still open" in synthesis) is (end != "finished")
    assert ("42" in synthesis) is (end != "context_length_exceeded")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_client_that_leaves_ends_the_call_under_way_and_no_other_is_made(
    limited: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    provider.script({**LOOK, "delay": 30}, finished(), said(), contains=mark)
    url, headers = f"{limited.base_url}/chat/completions", reasoning_headers(limited)
    async with httpx.AsyncClient(trust_env=False) as client:
        asking = asyncio.create_task(client.post(url, json=body(mark, stream=stream), headers=headers))
        await asyncio.to_thread(provider.wait_for, "in_progress", contains=mark)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await asyncio.to_thread(provider.wait_for, "client_disconnected", within=30, contains=mark)
    await asyncio.sleep(0.5)
    assert len(provider.requests(contains=mark)) == 1


PLAIN_STEP = json.dumps(finished("Found.")["json"])
MESSAGES: dict[str, dict[str, Any]] = {
    "reasoning_content": {"content": "", "reasoning_content": PLAIN_STEP},
    "reasoning": {"content": None, "reasoning": PLAIN_STEP},
    "after a thought": {"content": f"<think>hm</think>{PLAIN_STEP}"},
    "after a thought that was never opened": {"content": f"hm</think>\n```json {PLAIN_STEP}```"},
}


@pytest.mark.parametrize("place", MESSAGES)
def test_a_step_is_read_wherever_litellm_leaves_it(
    limited: RunningAPI, provider: ScriptedProvider, mark: str, place: str
) -> None:
    choice = {"index": 0, "message": {"role": "assistant", **MESSAGES[place]}, "finish_reason": "stop"}
    raw = {"id": "c", "object": "chat.completion", "created": 1, "model": GPT, "choices": [choice]}
    provider.script({"raw_body": {**raw, "usage": counted(1, 1)}}, said("Done."), contains=mark)
    stream = ask_streamed(limited, mark)
    assert ([event["thought"] for event in stream.of("planning")], stream.text) == (["Found."], "Done.")


def test_a_step_that_is_cut_off_is_repaired_by_saying_so(
    limited: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    cut = {"content": '{"thought": "I go on and', "finish_reason": "length"}
    provider.script(cut, finished("Mended."), said("Done."), contains=mark)
    assert ask_streamed(limited, mark).text == "Done."
    assert "cut off at its length limit" in str(provider.requests(contains=mark)[1]["body"]["messages"][-1])


def test_a_bad_step_is_repaired(limited: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(BAD, finished("Mended."), said("Done."), contains=mark)
    stream = ask_streamed(limited, mark)
    assert ([event["thought"] for event in stream.of("planning")], stream.text) == (["Mended."], "Done.")


def test_a_step_that_is_bad_twice_is_an_error(limited: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(BAD, BAD, contains=mark)
    response = ask(limited, mark, stream=True)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "invalid_reasoning_step")


def test_of_several_choices_all_are_streamed_and_litellm_ends_the_first_alone(
    limited: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), said("Two of me."), contains=mark)
    stream = ask_streamed(limited, mark, n=2)
    choices = [choice for chunk in stream.chunks for choice in chunk["choices"]]
    texts = {n: "".join(c["delta"].get("content") or "" for c in choices if c["index"] == n) for n in (0, 1)}
    assert texts == {0: "Two of me.", 1: "Two of me."}
    assert sorted(choice["index"] for choice in choices if "role" in choice["delta"]) == [0, 1]
    assert [choice["index"] for choice in choices if choice["finish_reason"]] == [0]
    assert stream.done


def test_of_several_choices_a_plain_answer_has_all(limited: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished(), said("Two of me."), contains=mark)
    choices = ask(limited, mark, n=2).json()["choices"]
    assert [(c["index"], c["finish_reason"], c["message"]["content"]) for c in choices] == [
        (0, "stop", "Two of me."),
        (1, "stop", "Two of me."),
    ]


@pytest.mark.parametrize(("model", "field"), [(GPT, "response_format"), (CLAUDE, "output_format")])
def test_a_step_is_asked_of_each_provider_with_a_schema_in_its_own_form(
    limited: RunningAPI, provider: ScriptedProvider, mark: str, model: str, field: str
) -> None:
    provider.script(finished(), said(), contains=mark)
    ask(limited, mark, model=model)
    planned, synthesis = (sent["body"] for sent in provider.requests(contains=mark))
    asked = planned[field]
    schema = asked.get("json_schema", asked)["schema"]
    assert (asked["type"], sorted(schema["properties"])) == ("json_schema", ["next", "thought"])
    forms = [form["properties"] for form in schema["properties"]["next"]["anyOf"]]
    assert [form["next_action"]["enum"] for form in forms] == [["continue_thinking"], ["use_tools"], ["finished"]]
    assert ["tools_to_use" in form for form in forms] == [False, True, False]
    # Anthropic's strict mode knows no bounds.
    assert ("maxLength" in schema["properties"]["thought"]) is (model == GPT)
    assert ("tools" in planned, field in synthesis) == (False, False)


@pytest.mark.parametrize(("model", "room"), [(GPT, 0), (CLAUDE, 25_000)])
def test_a_steps_length_is_limited_with_room_for_a_model_that_thinks(
    limited: RunningAPI, provider: ScriptedProvider, mark: str, model: str, room: int
) -> None:
    provider.script(finished(), said(), contains=mark)
    ask(limited, mark, model=model, max_tokens=77)
    assert [sent["body"]["max_tokens"] for sent in provider.requests(contains=mark)] == [4096 + room, 77]


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_each_step_used_what_litellm_charged_for_it(
    stack: Instance, limited: RunningAPI, provider: ScriptedProvider, mark: str, model: str
) -> None:
    ledgers = Ledgers.from_now(stack)
    script_two_tools(provider, mark)
    response = ask(limited, mark, stream=True, model=model, stream_options={"include_usage": True})
    stream = streamed(response)
    told = [event["usage"] for event in stream.of("planning")]
    rows = sorted(ledgers.rows_of(response.headers["x-trace-id"], calls=4), key=lambda row: row.started)
    assert [row.operation for row in rows] == ["step_generation"] * 3 + ["synthesis"]
    charged = [(row.prompt_tokens, row.completion_tokens) for row in rows]
    assert [(usage["prompt_tokens"], usage["completion_tokens"]) for usage in told] == charged[:3]
    assert [usage["cost"] for usage in told] == pytest.approx([row.cost for row in rows[:3]], abs=1e-12)
    assert stream.usage is not None
    assert stream.usage["total_tokens"] == sum(row.tokens for row in rows)
    assert stream.usage["cost"] == pytest.approx(sum(row.cost for row in rows), abs=1e-12)
    assert stream.text == ANSWER


def test_the_total_has_the_details_of_all_calls(limited: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    script_two_tools(provider, mark)
    assert ask(limited, mark).json()["usage"]["completion_tokens_details"]["reasoning_tokens"] == 12


def test_twenty_at_once_do_not_mix(limited: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    marks = [f"{mark}-{n}-end" for n in range(20)]
    for n, own in enumerate(marks):
        look = use(tool("calculate", expression=f"{n} + 1000"), thought=own)
        provider.script(look, finished(own), said(own), contains=own)
    with ThreadPoolExecutor(20) as pool:
        streams = list(pool.map(lambda own: ask_streamed(limited, own), marks))
    for n, (own, stream) in enumerate(zip(marks, streams, strict=True)):
        assert [event["thought"] for event in stream.of("planning")] == [own, own]
        assert [event["content"] for event in stream.of("tool_result")] == [str(n + 1000)]
        assert (stream.text, stream.done) == (own, True)


QUESTIONS = {
    "What is 4321 * 8765?": ("calculate", "37873565"),
    "What weekday is 2026-03-01?": ("date_info", "Sunday"),
    "How many km are 26.2 miles?": ("convert_units", "42.16"),
}


@pytest.mark.parametrize("model", [GPT, CLAUDE])
@pytest.mark.parametrize("question", QUESTIONS)
def test_without_a_script_or_a_key_the_demo_asks_its_tools_and_answers_with_what_they_said(
    limited: RunningAPI, mark: str, model: str, question: str
) -> None:
    name, found = QUESTIONS[question]
    stream = ask_streamed(limited, f"{question} ({mark})", model=model)
    [result] = stream.of("tool_result")
    assert (result["tool"], result["ok"]) == (name, True)
    assert found in result["content"]
    assert found in stream.text
    assert stream.done
