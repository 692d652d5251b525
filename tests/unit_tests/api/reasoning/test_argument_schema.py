"""A tool's arguments in the subset that strict modes know: never less than the tool takes, and null for what is left out."""

import json
import time
from typing import Any

import jsonschema
import pytest

from api.reasoning.argument_schema import MAX_ITEMS, MAX_TEXT, strict_arguments, without_unsaid


def _of(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


TEXT = {"type": "string", "maxLength": MAX_TEXT}
NULL = {"type": "null"}
# A property as a tool has it, and as a model is asked for it.
FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text": ({"type": "string", "title": "T", "default": "x", "description": "d"}, TEXT),
    "a short text": ({"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 3}),
    "a pattern, a format": ({"type": "string", "pattern": "^a", "format": "date"}, TEXT),
    "a choice": ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    "one choice": ({"const": 3}, {"type": "integer", "enum": [3]}),
    "a choice or null": ({"enum": ["a", None]}, {"anyOf": [{"type": "string", "enum": ["a"]}, NULL]}),
    "a number": (
        {"type": "number", "minimum": 0, "exclusiveMaximum": True, "multipleOf": 2},
        {"type": "number", "minimum": 0},
    ),
    "a flag": ({"type": "boolean"}, {"type": "boolean"}),
    "types": ({"type": ["string", "null"]}, {"anyOf": [TEXT, NULL]}),
    "nullable": ({"type": "string", "nullable": True}, {"anyOf": [TEXT, NULL]}),
    "alternatives": ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [TEXT, {"type": "integer"}]}),
    "a list": (
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MAX_ITEMS},
    ),
    "a reference": ({"allOf": [{"$ref": "#/$defs/T"}], "description": "d"}, TEXT),
    "an object": (
        _of(required=["a"], a={"type": "string"}, b={"type": "integer"}),
        {
            "type": "object",
            "properties": {"a": TEXT, "b": {"anyOf": [{"type": "integer"}, NULL]}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_each_kind_of_argument_has_its_strict_form(case: str) -> None:
    given, strict = FIELDS[case]
    schema = {**_of(a=given), "$defs": {"T": {"type": "string"}}}
    assert strict_arguments(schema) == {
        "type": "object",
        "properties": {"a": strict},
        "required": ["a"],
        "additionalProperties": False,
    }


def test_an_argument_that_may_be_left_out_may_be_null() -> None:
    strict = strict_arguments(_of(required=[], a={"type": "string"}, b={"type": ["string", "null"]}))
    assert strict is not None
    assert strict["properties"] == {"a": {"anyOf": [TEXT, NULL]}, "b": {"anyOf": [TEXT, NULL]}}


UNKNOWN: dict[str, dict[str, Any]] = {
    "anything": {"type": "object"},
    "more than is named": {**_of(a={"type": "string"}), "additionalProperties": True},
    "a map": _of(a={"type": "object", "additionalProperties": {"type": "string"}}),
    "names by a pattern": {**_of(), "patternProperties": {"^a": {}}},
    "an argument of any kind": _of(a={}),
    "an argument that is `true`": _of(a=True),
    "a list of anything": _of(a={"type": "array"}),
    "two kinds of objects": _of(a={"anyOf": [_of(b={"type": "string"}), _of(c={"type": "string"})]}),
    "a mixed choice": _of(a={"enum": [1, "a"]}),
    "all of several": _of(a={"allOf": [{"type": "string"}, {"maxLength": 3}]}),
    "a reference elsewhere": _of(a={"$ref": "https://example.com/a"}),
    "a reference to nothing": _of(a={"$ref": "#/$defs/b"}),
    "a reference to itself": _of(a={"$ref": "#"}),
    "a very long text": _of(a={"type": "string", "minLength": MAX_TEXT + 1}),
    "a type that nobody knows": _of(a={"type": "decimal"}),
    "no type at all": _of(a={"type": {"b": 1}}),
    "too many": {"type": "object", "properties": {f"argument_{n}": {"type": "string"} for n in range(200)}},
    "properties that are none": {"type": "object", "properties": ["a"]},
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_no_strict_schema_can_say_has_none(case: str) -> None:
    assert strict_arguments(UNKNOWN[case]) is None


def test_a_tool_without_arguments_is_asked_for_none() -> None:
    for schema in (_of(), {"type": "object", "additionalProperties": False}):
        strict = strict_arguments(schema)
        assert strict is not None
        assert (strict["properties"], strict["additionalProperties"]) == ({}, False)


def test_a_schema_that_unfolds_without_end_takes_no_time() -> None:
    layers = {f"l{n}": _of(a={"$ref": f"#/$defs/l{n + 1}"}, b={"$ref": f"#/$defs/l{n + 1}"}) for n in range(40)}
    endless = {**_of(a={"anyOf": [{"$ref": "#/$defs/l0"}] * 9}), "$defs": layers | {"l40": {"type": "string"}}}
    started = time.process_time()
    assert strict_arguments(endless) is None
    assert time.process_time() - started < 1


OPTIONAL = _of(
    required=["must"],
    must={"type": ["string", "null"]},
    may={"type": "string"},
    null={"anyOf": [{"type": "string"}, {"type": "null"}]},
    inner=_of(required=[], may={"type": "string"}),
    items={"type": "array", "items": _of(required=[], may={"type": "integer"})},
)


def test_null_for_what_may_be_left_out_is_left_out() -> None:
    said: dict[str, Any] = {
        "must": None,
        "may": None,
        "null": None,
        "inner": {"may": None},
        "items": [{"may": None}, {"may": 1}],
    }
    assert without_unsaid(said, OPTIONAL) == {"must": None, "null": None, "inner": {}, "items": [{}, {"may": 1}]}
    jsonschema.validate(without_unsaid(said, OPTIONAL), OPTIONAL)


def test_what_is_said_stays() -> None:
    said: dict[str, Any] = {"must": "a", "may": "", "null": "b", "inner": {"may": "c"}, "items": [], "unknown": None}
    assert json.dumps(without_unsaid(said, OPTIONAL)) == json.dumps(said)
