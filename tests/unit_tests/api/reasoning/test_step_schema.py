"""The schema that is asked for: each valid step fits it, no invalid one does, and every strict mode knows its words."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from api.reasoning.step_schema import (
    MAX_CALLS,
    MAX_NAMES,
    MAX_SIZE,
    MAX_THOUGHT,
    arguments_of,
    reduced_schema,
    step_schema,
)
from api.tools import Tool


async def _call(_arguments: Any) -> str:
    return ""


def _tool(name: str, schema: dict[str, Any]) -> Tool:
    return Tool(name, "d", schema, "s", _call)


ADD = _tool("add", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
NOTE = _tool("note", {"type": "object", "properties": {"text": {"type": "string"}}})
ANY = _tool("any", {"type": "object"})
TOOLS = arguments_of([ADD, NOTE, ANY])


def _step(action: str, **fields: Any) -> dict[str, Any]:
    return {"thought": "t", "next": {"next_action": action, **fields}}


def _use(*calls: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    listed = [{"name": name, "arguments": arguments, "reason": "r"} for name, arguments in calls]
    return _step("use_tools", tools_to_use=listed, **{"concurrent_execution": False, **fields})


def _fits(step: Any, schema: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(step)


@pytest.mark.parametrize(
    "step",
    [
        _step("finished"),
        _step("continue_thinking"),
        _use(("add", {"a": 1})),
        _use(("note", {"text": None}), ("any", '{"b": 1}'), ("add", {"a": 2})),
    ],
)
def test_a_valid_step_fits(step: Any) -> None:
    assert _fits(step, step_schema(TOOLS))


@pytest.mark.parametrize(
    "step",
    [
        _step("give_up"),
        _step("finished", tools_to_use=[]),
        {**_use(("add", {"a": 1})), "next": {**_use(("add", {"a": 1}))["next"], "next_action": "finished"}},
        _step("use_tools"),
        _use(),
        _use(("nothing", {})),
        _use(("add", {})),
        _use(("add", {"a": "1"})),
        _use(("add", {"a": 1, "b": 2})),
        _use(("add", '{"a": 1}')),
        _use(("any", {"b": 1})),
        _use(("note", {"text": "x" * 4_001})),
        _use(*[("add", {"a": 1})] * (MAX_CALLS + 1)),
        _use(("add", {"a": 1}), concurrent_execution=None),
        {**_step("finished"), "thought": "x" * (MAX_THOUGHT + 1)},
        {**_step("finished"), "mood": "good"},
        {"next": {"next_action": "finished"}},
    ],
)
def test_no_invalid_step_fits(step: Any) -> None:
    assert not _fits(step, step_schema(TOOLS))


def test_without_tools_no_tool_can_be_called() -> None:
    schema = step_schema({})
    assert _fits(_step("finished"), schema)
    assert "use_tools" not in json.dumps(schema)


def _within(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _within(inner)


STRUCTURE = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description"}
BOUNDS = {"maxLength", "minItems", "maxItems"}


@pytest.mark.parametrize("schema", [step_schema(TOOLS), reduced_schema(TOOLS), step_schema({})])
def test_it_is_one_that_strict_modes_accept(schema: dict[str, Any]) -> None:
    assert schema["type"] == "object"
    for part in _within(schema):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert list(part["properties"]) == part["required"]
        first = [
            (next(iter(form["properties"].items()), None)) for form in part.get("anyOf", []) if "properties" in form
        ]
        assert all(first.count(one) == 1 for one in first)


@pytest.mark.parametrize(
    ("schema", "words"), [(step_schema(TOOLS), STRUCTURE | BOUNDS), (reduced_schema(TOOLS), STRUCTURE)]
)
def test_it_uses_only_words_that_strict_modes_know(schema: dict[str, Any], words: set[str]) -> None:
    names = {name for part in _within(schema) for name in part.get("properties", {})}
    assert {word for part in _within(schema) for word in part} <= words | names


def test_every_text_and_every_list_has_a_bound() -> None:
    for part in _within(step_schema(TOOLS)):
        if part.get("type") == "string":
            assert {"enum", "maxLength"} & set(part)
        if part.get("type") == "array":
            assert "maxItems" in part


def test_the_reduced_one_takes_the_same_actions_and_arguments_as_text() -> None:
    assert _fits(_use(("add", '{"a": 1}')), reduced_schema(TOOLS))
    assert not _fits(_use(("nothing", "{}")), reduced_schema(TOOLS))
    assert not _fits(_step("finished", tools_to_use=[]), reduced_schema(TOOLS))


def test_many_tools_do_not_make_it_long() -> None:
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(30)}, "required": []}
    schema = step_schema(arguments_of([_tool(f"tool_{n}", wide) for n in range(300)]))
    assert len(json.dumps(schema)) < MAX_SIZE
    assert _fits(_use(("tool_7", "{}")), schema)


def test_more_names_than_an_enum_may_have_are_a_text() -> None:
    schema = step_schema(dict.fromkeys(f"t{n}" for n in range(MAX_NAMES + 1)))
    assert max(len(part.get("enum", [])) for part in _within(schema)) == 1
