"""A step as it is asked for, and as it is read from whatever a model replies."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.llm.model_catalog import ModelInfo
from api.reasoning.steps import NextAction, ReasoningStep, StepInvalid, parse_step, response_format

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def _calling(arguments: Any) -> str:
    call = {"name": "n", "arguments": arguments, "reason": "r"}
    return json.dumps({**STEP, "next_action": "use_tools", "tools_to_use": [call]})


def _model(*, schema: bool, json_mode: bool) -> ModelInfo:
    return ModelInfo("m", supports_response_schema=schema, supports_response_format=json_mode)


def _schema() -> dict[str, Any]:
    asked = response_format(_model(schema=True, json_mode=True))["response_format"]
    assert (asked["type"], asked["json_schema"]["strict"]) == ("json_schema", True)
    return asked["json_schema"]["schema"]  # type: ignore[no-any-return]


def _within(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _within(inner)


def test_a_step_is_read() -> None:
    step = parse_step(json.dumps(STEP))
    assert (step.thought, step.next_action, step.tools_to_use) == ("t", NextAction.FINISHED, [])


@pytest.mark.parametrize("arguments", ['{"a": {"b": [1]}}', {"a": {"b": [1]}}], ids=["as text", "as an object"])
def test_arguments_may_be_text_or_an_object(arguments: Any) -> None:
    assert parse_step(_calling(arguments)).tools_to_use[0].arguments == {"a": {"b": [1]}}


def test_a_call_without_arguments_has_none() -> None:
    assert parse_step(_calling("")).tools_to_use[0].arguments == {}


@pytest.mark.parametrize("reply", [None, "", "  \n", "no", "{", "[]", "null", "1", '"{}"', json.dumps(STEP) + "x"])
def test_what_is_no_step_is_refused(reply: str | None) -> None:
    with pytest.raises(StepInvalid):
        parse_step(reply)


@pytest.mark.parametrize("action", ["finished", "continue_thinking"])
def test_calls_beside_another_action_are_refused(action: str) -> None:
    with pytest.raises(StepInvalid, match=f"next_action is {action}, but tools_to_use names calls"):
        parse_step(_calling({}).replace("use_tools", action))


@pytest.mark.parametrize("field", STEP)
def test_no_field_is_filled_in_for_the_model(field: str) -> None:
    with pytest.raises(StepInvalid, match=f"{field}: Field required"):
        parse_step(json.dumps({name: value for name, value in STEP.items() if name != field}))


@pytest.mark.parametrize("arguments", ["[1]", "1", "null", "{a: 1}", '{"a": Infinity}', [1], 1, None])
def test_arguments_that_are_no_object_are_named_by_their_place(arguments: Any) -> None:
    with pytest.raises(StepInvalid, match=r"tools_to_use\.0\.arguments"):
        parse_step(_calling(arguments))


def test_at_most_five_faults_are_told() -> None:
    calls = [{"name": "n"}] * 9
    with pytest.raises(StepInvalid) as caught:
        parse_step(json.dumps({**STEP, "tools_to_use": calls}))
    assert str(caught.value).count("Field required") == 5


@given(st.text() | JSON_VALUES.map(json.dumps))
def test_any_reply_is_a_step_or_refused(reply: str) -> None:
    with contextlib.suppress(StepInvalid):
        assert isinstance(parse_step(reply), ReasoningStep)


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_a_step_that_is_written_reads_the_same(arguments: dict[str, Any]) -> None:
    step = parse_step(_calling(json.dumps(arguments)))
    assert parse_step(step.model_dump_json()) == step
    assert isinstance(json.loads(step.model_dump_json())["tools_to_use"][0]["arguments"], str)


def test_the_schema_is_one_that_strict_mode_accepts() -> None:
    objects = [part for part in _within(_schema()) if part.get("type") == "object"]
    assert len(objects) == 2
    for part in objects:
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])


def test_the_schema_uses_only_words_that_strict_mode_knows() -> None:
    words = {"type", "properties", "required", "additionalProperties", "items", "enum", "$ref", "$defs", "description"}
    names = {name for part in _within(_schema()) for name in part.get("properties", {})} | set(_schema()["$defs"])
    assert {word for part in _within(_schema()) for word in part} <= words | names


def test_a_reference_stands_alone() -> None:
    assert all(set(part) == {"$ref"} for part in _within(_schema()) if "$ref" in part)


def test_arguments_are_text_in_the_schema() -> None:
    assert _schema()["$defs"]["ToolRequest"]["properties"]["arguments"]["type"] == "string"


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (_model(schema=True, json_mode=True), "json_schema"),
        (_model(schema=True, json_mode=False), "json_schema"),
        (_model(schema=False, json_mode=True), "json_object"),
        (_model(schema=False, json_mode=False), None),
        (None, "json_object"),
    ],
)
def test_what_a_model_can_decides_how_it_is_asked(model: ModelInfo | None, asked: str | None) -> None:
    assert response_format(model).get("response_format", {}).get("type") == asked
