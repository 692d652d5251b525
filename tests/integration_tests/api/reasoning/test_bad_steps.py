"""A reply that is no step is repaired once, by telling the model what was wrong; twice is an error that the client sees."""

import json
from typing import Any

import pytest

from tests.support.api import RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask, ask_streamed, counted, finished, said, tool, use

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
CALL = {"name": "calculate", "arguments": "{}", "reason": "r"}


def _calling(**changes: Any) -> dict[str, Any]:
    return {"json": {**STEP, "next_action": "use_tools", "tools_to_use": [{**CALL, **changes}]}}


def _calling_as(action: str) -> dict[str, Any]:
    return {"json": {**STEP, "next_action": action, "tools_to_use": [CALL]}}


# What the model replied, and a word of what it must be told about it.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not JSON": ({"content": "I think we should calculate."}, "not one JSON object"),
    "cut off at its length": (
        {"content": '{"thought": "I was cut o', "finish_reason": "length"},
        "cut off at its length limit",
    ),
    "two that differ": (
        {"content": json.dumps(STEP) + "\n" + json.dumps({**STEP, "thought": "u"})},
        "not one JSON object but 2",
    ),
    "half of it": ({"content": '{"thought": "I was cut o'}, "not one JSON object"),
    "more than one": ({"content": json.dumps(STEP) * 2}, "not one JSON object"),
    "empty": ({"content": ""}, "empty"),
    "blank": ({"content": " \n "}, "empty"),
    "an array": ({"json": [STEP]}, "the object"),
    "a field missing": ({"json": {"thought": "t", "next_action": "finished"}}, "tools_to_use: Field required"),
    "an unknown action": ({"json": {**STEP, "next_action": "give_up"}}, "next_action"),
    "a field of the wrong type": ({"json": {**STEP, "concurrent_execution": "perhaps"}}, "concurrent_execution"),
    "a field too many": ({"json": {**STEP, "mood": "good"}}, "mood"),
    "tools promised, none named": ({"json": {**STEP, "next_action": "use_tools"}}, "tools_to_use is empty"),
    "finished, but tools named": (_calling_as("finished"), "next_action is finished, but tools_to_use names calls"),
    "thinking, but tools named": (
        _calling_as("continue_thinking"),
        "next_action is continue_thinking, but tools_to_use names calls",
    ),
    "arguments that are no object": (_calling(arguments="[1]"), "tools_to_use.0.arguments"),
    "arguments that are no JSON": (_calling(arguments="{expression: 1}"), "is not a JSON object"),
    "arguments that no JSON knows": (_calling(arguments='{"value": NaN}'), "is not a JSON object"),
    "a native tool call": ({"tool_calls": [{"name": "calculate", "arguments": {}}]}, "natively (calculate)"),
}


@pytest.mark.parametrize("case", BAD)
def test_the_model_is_told_what_was_wrong_and_tries_again(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    bad, told = BAD[case]
    provider.script(bad, finished("Mended."), said(), contains=mark)
    stream = ask_streamed(reasoner, mark)
    first, second, _ = (sent["body"]["messages"] for sent in provider.requests(contains=mark))
    assert second[: len(first)] == first
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "user"]
    assert told in second[-1]["content"]
    assert [event["thought"] for event in stream.of("planning")] == ["Mended."]
    assert (stream.text, stream.done) == ("The answer.", True)


@pytest.mark.parametrize("case", BAD)
def test_a_second_failure_is_an_error_and_no_step_is_made_up(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    bad, _ = BAD[case]
    provider.script(bad, bad, said(), contains=mark)
    response = ask(reasoner, mark)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "invalid_reasoning_step"
    assert len(provider.requests(contains=mark)) == 2


def test_at_the_first_step_of_a_stream_the_error_has_its_own_status(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(*[{"content": "no"}] * 2, contains=mark)
    response = ask(reasoner, mark, stream=True)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "invalid_reasoning_step")


def test_later_in_a_stream_it_is_an_event_and_the_end_of_the_stream(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("calculate", expression="1")), *[{"content": "no"}] * 2, said(), contains=mark)
    stream = ask_streamed(reasoner, mark)
    assert stream.types[-2:] == ["iteration_start", "error"]
    assert stream.events[-1].items() >= {"step": 2, "code": "invalid_reasoning_step"}.items()
    assert stream.error is not None
    assert stream.error["code"] == "invalid_reasoning_step"
    assert (stream.status, stream.text, "[DONE]" in stream.payloads) == (200, "", False)


def test_each_step_may_be_repaired_once(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    bad = {"content": "no"}
    provider.script(bad, use(tool("calculate", expression="1")), bad, finished(), said("Done."), contains=mark)
    assert ask_streamed(reasoner, mark).text == "Done."


def test_a_repaired_step_leaves_no_trace_in_the_next(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"content": "gibberish"}, use(tool("calculate", expression="1")), finished(), said(), contains=mark)
    ask(reasoner, mark)
    assert "gibberish" not in json.dumps(provider.requests(contains=mark)[2]["body"])


def test_the_plan_of_a_repaired_step_used_what_both_attempts_did(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    bad = {"content": "no", "usage": counted(100, 10, cost=0.001)}
    provider.script(bad, finished(usage=counted(200, 20, cost=0.002)), said(), contains=mark)
    [planning] = ask_streamed(reasoner, mark).of("planning")
    assert planning["usage"].items() >= counted(300, 30, cost=0.003).items()


TEXT = json.dumps(STEP)
GIVEN: dict[str, dict[str, Any]] = {
    "in a fence": {"content": f"```json\n{TEXT}\n```"},
    "in a fence on one line, words around it": {"content": f"My step: ```json {TEXT}``` So be it."},
    "after a thought": {"content": f"<think>hm</think>\n{TEXT}"},
    "after a thought that was never opened": {"content": f"hm\n</think>\n{TEXT}"},
    "as reasoning_content": {
        "raw_body": {"choices": [{"index": 0, "message": {"content": "", "reasoning_content": TEXT}}]}
    },
    "as reasoning": {"raw_body": {"choices": [{"index": 0, "message": {"content": None, "reasoning": TEXT}}]}},
    "in parts": {"raw_body": {"choices": [{"index": 0, "message": {"content": [{"type": "text", "text": TEXT}]}}]}},
}


@pytest.mark.parametrize("place", GIVEN)
def test_one_clear_object_is_a_step_wherever_the_model_puts_it(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, place: str
) -> None:
    provider.script(GIVEN[place], said("Done."), contains=mark)
    assert ask_streamed(reasoner, mark).text == "Done."
    assert len(provider.requests(contains=mark)) == 2


@pytest.mark.parametrize("none", [None, "", "null", {}])
def test_a_call_without_arguments_is_made_with_none(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, none: Any
) -> None:
    provider.script(
        {
            "json": {
                **STEP,
                "next_action": "use_tools",
                "tools_to_use": [{**CALL, "name": "current_time", "arguments": none}],
            }
        },
        finished(),
        said("Done."),
        contains=mark,
    )
    [result] = ask_streamed(reasoner, mark).of("tool_result")
    assert result["ok"] is True


def test_a_tool_that_does_not_exist_is_told_to_the_model_with_those_that_do(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("calculator", expression="1")), finished(), said("Done."), contains=mark)
    stream = ask_streamed(reasoner, mark)
    [result] = stream.of("tool_result")
    assert (result["ok"], stream.text) == (False, "Done.")
    assert "did you mean calculate" in result["content"]
    assert "did you mean calculate" in provider.requests(contains=mark)[1]["body"]["messages"][-1]["content"]


def test_arguments_that_do_not_fit_the_tool_are_told_to_the_model_and_not_sent(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("calculate", formula="1")), finished(), said("Done."), contains=mark)
    stream = ask_streamed(reasoner, mark)
    [result] = stream.of("tool_result")
    assert (result["ok"], stream.text) == (False, "Done.")
    assert "'expression' is a required property" in result["content"]
    assert (
        "'expression' is a required property" in provider.requests(contains=mark)[1]["body"]["messages"][-1]["content"]
    )
