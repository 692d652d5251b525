"""Anthropic's SDK, unchanged, asking the real stack for reasoning: run once for all tests. Its warnings count as failures."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import ANSWER, steps_of_two_tools
from tests.support.ledgers import Ledgers
from tests.support.reasoning import finished, said, tool, use
from tests.support.stack_client import StackClient

PROGRAM = Path(__file__).parent / "client_programs" / "anthropic_reasoning.py"
PYTHON = str(bootstrap.venv("clients") / "bin" / "python")
CALCULATE = use(tool("calculate", expression="6 * 7"), thought="I calculate.")
READ = use(tool("calculate", expression="6 * 7"), tool("read_file", path="a.txt"), thought="Both.")
AT_ONCE = {"headers": {"retry-after": "0"}}
WAYS = ("plain", "streamed")


@pytest.fixture(scope="module")
def questions() -> dict[str, str]:
    """Each of which the provider has its answers for. A word in which nobody reads a figure."""
    names = ("said", "turns", "tool", "overruled", "refused", "failing")
    return {name: "mark" + uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop")) for name in names}


def replies() -> dict[str, list[dict[str, Any]]]:
    turn = [CALCULATE, finished(), said("It is 42.")]
    return {
        "said": steps_of_two_tools() * 4,
        "turns": turn * 2,
        "tool": [READ, finished("I know the word."), said("It is plum.")] * 2,
        "overruled": [said("The model itself.")],
        "refused": [{"status": 429, "error": "slow down", **AT_ONCE}] * 9,
        "failing": [CALCULATE, *[{"status": 400, "error": "prompt is odd"}] * 9],
    }


@pytest.fixture(scope="module")
def ledgers(stack: Instance) -> Ledgers:
    return Ledgers.from_now(stack)


@pytest.fixture(scope="module")
def output(stack: Instance, questions: Mapping[str, str], ledgers: Ledgers) -> dict[str, Any]:
    client = StackClient.of(stack)
    for name, answers in replies().items():
        client.provider.script(*answers, contains=questions[name])
    done = subprocess.run(
        [PYTHON, "-W", "error", str(PROGRAM), json.dumps(questions)],
        env={"ANTHROPIC_BASE_URL": stack.url("api"), "ANTHROPIC_AUTH_TOKEN": client.token},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def used(usage: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens read, from the cache or not, and written."""
    read = sum(usage[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
    return read, usage["output_tokens"]


def content(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(told["message"]["content"])


@pytest.mark.parametrize("way", WAYS)
def test_each_step_is_a_thought_and_the_answer_is_text(output: dict[str, Any], way: str) -> None:
    *thoughts, answer = content(output["said"][way])
    assert [block["type"] for block in thoughts] == ["thinking"] * 3
    assert all(block["signature"].startswith("raa1.") for block in thoughts)
    assert thoughts[0]["thinking"].startswith("First the share.\n→ calculate(")
    assert "← calculate: 912.5" in thoughts[0]["thinking"]
    assert (answer["type"], answer["text"]) == ("text", ANSWER)


@pytest.mark.parametrize("way", WAYS)
def test_who_answered_is_told(output: dict[str, Any], way: str) -> None:
    message, headers = output["said"][way]["message"], output["said"][way]["headers"]
    assert (message["model"], message["stop_reason"], message["id"][:4]) == ("claude-haiku-4-5", "end_turn", "msg_")
    assert (headers["x-routing-decision"], "request-id" in headers) == ("reasoning", True)


_OF_ITS_OWN = ("id", "stop_details", "usage")


def test_a_stream_adds_up_to_the_plain_message(output: dict[str, Any]) -> None:
    """But for what the SDK adds of its own, and leaves out of a stream's usage."""
    plain, streamed = (output["said"][way]["message"] for way in WAYS)
    assert {name: value for name, value in streamed.items() if name not in _OF_ITS_OWN} == {
        name: value for name, value in plain.items() if name not in _OF_ITS_OWN
    }
    assert streamed["usage"].items() <= plain["usage"].items()


def test_every_event_is_one_that_the_sdk_knows(output: dict[str, Any]) -> None:
    kinds = output["raw"]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4


def test_the_sdks_newest_messages_are_read_too(output: dict[str, Any]) -> None:
    assert {"ParsedBetaTextEvent", "BetaTextEvent", "TextEvent"} & set(output["beta"])
    assert len(output["beta"]) > 6


@pytest.mark.parametrize("way", WAYS)
def test_the_usage_is_what_litellm_charged_for_all_calls(output: dict[str, Any], ledgers: Ledgers, way: str) -> None:
    told = output["said"][way]
    rows = ledgers.rows_of(told["headers"]["x-trace-id"], calls=4)
    assert used(told["message"]["usage"]) == (
        sum(row.prompt_tokens for row in rows),
        sum(row.completion_tokens for row in rows),
    )
    assert {row.component for row in rows} == {"reasoning-agent"}


def test_the_usage_says_what_each_call_used(output: dict[str, Any], ledgers: Ledgers) -> None:
    told = output["said"]["plain"]
    rows = ledgers.rows_of(told["headers"]["x-trace-id"], calls=4)
    charged = [(row.prompt_tokens, row.completion_tokens) for row in sorted(rows, key=lambda row: row.started)]
    assert [used(one) for one in told["message"]["usage"]["iterations"]] == charged


def test_thoughts_that_come_back_reach_no_provider(
    output: dict[str, Any], stack: Instance, questions: Mapping[str, str]
) -> None:
    assert output["turns"] == ["It is 42.", "It is 42."]
    asked = StackClient.of(stack).provider.requests(contains=questions["turns"])
    assert len(asked) == 6
    assert "It is 42." in json.dumps(asked[3]["body"])
    assert not [one for one in asked[3:4] if "I calculate." in json.dumps(one["body"]["messages"])]
    assert not [one for one in asked if "raa1." in json.dumps(one["body"])]


@pytest.mark.parametrize("way", WAYS)
def test_a_turn_goes_on_after_a_tool_of_the_clients(output: dict[str, Any], way: str) -> None:
    told = output["tool"][way]
    assert told["blocks"] == ["thinking", "tool_use"]
    assert told["calls"] == [["read_file", {"path": "a.txt"}, "toolu_"]]
    assert (told["ends"], told["text"]) == (["tool_use", "end_turn"], "It is plum.")


def test_what_was_found_before_is_known_when_the_turn_goes_on(
    output: dict[str, Any], stack: Instance, questions: Mapping[str, str]
) -> None:
    assert output["tool"]
    asked = StackClient.of(stack).provider.requests(contains=questions["tool"])
    second_steps = [json.dumps(one["body"]) for one in (asked[1], asked[4])]
    assert all("calculate: 42" in body and "the word is plum" in body for body in second_steps)
    assert not [one for one in asked if "raa1." in json.dumps(one["body"]) or one["body"].get("tools")]


def test_what_only_the_provider_can_do_is_told(output: dict[str, Any]) -> None:
    assert output["overruled"] == (
        "reasoning; a request with a tool of type 'web_search_20250305' wants the model itself"
    )


def test_what_fails_has_its_class(output: dict[str, Any]) -> None:
    errors = output["errors"]
    assert errors["at once"][:2] == ["RateLimitError", "rate_limit_error"]
    assert "slow down" in errors["at once"][2]
    assert errors["in the stream"][1] == "invalid_request_error"
    assert errors["unknown model"][:2] == ["NotFoundError", "not_found_error"]
    assert "claude-haiku-4-5" in errors["unknown model"][2]
