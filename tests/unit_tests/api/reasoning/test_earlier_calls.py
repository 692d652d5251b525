"""Calls of a client's history, as the model reads them."""

import json
from typing import Any

import pytest

from api.reasoning.earlier_calls import as_steps, open_calls
from api.reasoning.steps import step_of
from api.tools import ToolCall

ASKED = {"role": "user", "content": "q"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}


def _calls(*calls: tuple[str, str, Any], content: Any = None) -> dict[str, Any]:
    made = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def _result(id_: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def _told(turn: dict[str, Any]) -> list[dict[str, Any]]:
    text = turn["content"] if isinstance(turn["content"], str) else turn["content"][0]["text"]
    found: list[dict[str, Any]] = json.loads(text.removeprefix("Tool results: "))
    return found


@pytest.mark.parametrize("nested", [False, True])
def test_a_turn_of_calls_is_a_step_in_the_form_that_is_asked_for(nested: bool) -> None:
    turn = _calls(("1", "read", '{"path": "a"}'), ("2", "list", ""), content="I look.")
    [_, told] = as_steps([ASKED, turn], nested=nested)
    written = json.loads(told["content"])
    step = step_of(written)
    assert told["role"] == "assistant"
    assert ("next" in written) is nested
    assert (step.thought, step.concurrent_execution) == ("I look.", True)
    assert [(use.name, use.arguments) for use in step.tools_to_use] == [("read", {"path": "a"}), ("list", {})]


def test_results_are_one_turn_of_data_beside_the_calls_that_they_answer() -> None:
    turns = as_steps(
        [ASKED, _calls(("1", "read", '{"path": "a"}'), ("2", "list", "{}")), _result("2", "b"), _result("1", 'x"}]')],
        nested=False,
    )
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert _told(turns[2]) == [
        {"tool": "list", "arguments": {}, "result": "b"},
        {"tool": "read", "arguments": {"path": "a"}, "result": 'x"}]'},
    ]


def test_a_result_in_parts_keeps_its_images() -> None:
    turns = as_steps(
        [_calls(("1", "see", "{}")), _result("1", [{"type": "text", "text": "this"}, IMAGE])], nested=False
    )
    assert _told(turns[1])[0]["result"] == "this"
    assert turns[1]["content"][1:] == [IMAGE]


def test_a_result_of_a_call_that_is_not_there_is_still_told() -> None:
    [turn] = as_steps([_result("gone", "x")], nested=False)
    assert _told(turn) == [{"tool": "unknown", "arguments": {}, "result": "x"}]


def test_a_function_of_the_old_form_is_read_by_its_name() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "read", "arguments": '{"n": 1}'}}
    turns = as_steps([called, {"role": "function", "name": "read", "content": "one"}], nested=False)
    assert _told(turns[1]) == [{"tool": "read", "arguments": {"n": 1}, "result": "one"}]


@pytest.mark.parametrize(
    ("written", "read"),
    [(None, {}), ("", {}), ("{", {"arguments": "{"}), ("[1]", {"arguments": [1]}), ({"n": 1}, {"n": 1})],
)
def test_arguments_are_read_however_they_are_written(written: Any, read: dict[str, Any]) -> None:
    [told] = as_steps([_calls(("1", "f", written))], nested=False)
    assert step_of(json.loads(told["content"])).tools_to_use[0].arguments == read


def test_a_conversation_without_calls_stays_as_it_is() -> None:
    spoken: dict[str, Any] = {"role": "assistant", "content": "a", "audio": {"id": "x"}}
    said = [{"role": "system", "content": "s"}, ASKED, spoken]
    assert as_steps(said, nested=True) == said


def test_the_open_calls_are_those_since_the_user_spoke() -> None:
    said = [ASKED, _calls(("1", "old", "{}")), _result("1", ""), ASKED, _calls(("2", "new", "{}")), _result("2", "")]
    assert open_calls(said) == [[ToolCall("new", {})]]
