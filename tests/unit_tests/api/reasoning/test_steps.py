"""A step as it is checked, and as its model reads it again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasoning.steps import NextAction, ReasoningStep, StepInvalid, step_of
from tests.unit_tests.api.reasoning.test_json_objects import VALUES

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}


def _calling(arguments: Any) -> dict[str, Any]:
    call = {"name": "n", "arguments": arguments, "reason": "r"}
    return {**STEP, "next_action": "use_tools", "tools_to_use": [call]}


def test_a_step_is_read() -> None:
    step = step_of(STEP)
    assert (step.thought, step.next_action, step.tools_to_use) == ("t", NextAction.FINISHED, [])


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": {"b": [1]}},
        '{"a": {"b": [1]}}',
        ' {"a": {"b": [1,]},} ',
        '```json\n{"a": {"b": [1]}}\n```',
        json.dumps('{"a": {"b": [1]}}'),
    ],
    ids=["an object", "text", "with commas too many", "in a fence", "a text in a text"],
)
def test_arguments_may_be_an_object_or_a_text_with_one(arguments: Any) -> None:
    assert step_of(_calling(arguments)).tools_to_use[0].arguments == {"a": {"b": [1]}}


@pytest.mark.parametrize("none", [None, "", "  ", "null", "{}", {}, '""'])
def test_a_call_without_arguments_has_none(none: Any) -> None:
    assert step_of(_calling(none)).tools_to_use[0].arguments == {}


@pytest.mark.parametrize("arguments", ["[1]", "1", "{a: 1}", '{"a": Infinity}', '{"a": 1} {"a": 2}', "a", [1], 1, True])
def test_arguments_that_are_no_object_are_named_by_their_place(arguments: Any) -> None:
    with pytest.raises(StepInvalid, match=r"tools_to_use\.0\.arguments"):
        step_of(_calling(arguments))


@pytest.mark.parametrize("action", ["finished", "continue_thinking"])
def test_calls_beside_another_action_are_refused(action: str) -> None:
    with pytest.raises(StepInvalid, match=f"next_action is {action}, but tools_to_use names calls"):
        step_of({**_calling({}), "next_action": action})


def test_at_most_five_faults_are_told() -> None:
    with pytest.raises(StepInvalid) as caught:
        step_of({**STEP, "tools_to_use": [{"name": "n"}] * 9})
    assert str(caught.value).count("Field required") == 5


@pytest.mark.parametrize("nested", [False, True])
@given(arguments=st.dictionaries(st.text(), VALUES))
def test_a_step_that_is_told_reads_the_same(nested: bool, arguments: dict[str, Any]) -> None:
    step = step_of(_calling(arguments))
    assert step_of(json.loads(step.told(nested=nested))) == step


def test_each_form_is_told_as_it_is_asked_for() -> None:
    step = step_of(_calling({"a": 1}))
    flat, nested = (json.loads(step.told(nested=nested)) for nested in (False, True))
    assert flat["tools_to_use"][0]["arguments"] == '{"a":1}'
    assert nested["next"]["tools_to_use"][0]["arguments"] == {"a": 1}
    assert json.loads(step_of(STEP).told(nested=True)) == {"thought": "t", "next": {"next_action": "finished"}}


def test_a_step_is_the_same_in_both_forms() -> None:
    assert isinstance(step_of(STEP), ReasoningStep)
    assert step_of({"thought": "t", "next": {"next_action": "finished"}}) == step_of(STEP)
