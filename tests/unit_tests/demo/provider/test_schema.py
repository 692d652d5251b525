"""Whatever the schema, the demo's structured output satisfies it."""

from typing import Any

import jsonschema
import pytest

from demo.provider.schema import instance

NEXT = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
NODE = {
    "$defs": {"node": {"type": "object", "properties": {"next": NEXT}, "required": ["next"]}},
    "$ref": "#/$defs/node",
}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
    {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
    {"enum": ["x", "y"]},
    {"const": 7},
    {"type": ["string", "null"]},
    {"type": "array", "items": {"type": "number"}, "minItems": 3},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "minItems": 2},
    {"type": "string", "minLength": 10},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date-time"},
    {"type": "string", "pattern": r"^\d{4}$"},
    {"type": "integer", "minimum": 5, "multipleOf": 4},
    {"type": "integer", "maximum": -3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    {"allOf": [{"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}, {"required": ["b"]}]},
    {
        "$defs": {"p": {"type": "object", "required": ["q"]}},
        "type": "array",
        "items": {"$ref": "#/$defs/p"},
        "minItems": 1,
    },
    {"type": "object", "properties": {"d": {"default": 3, "type": "integer"}}, "required": ["d"]},
    NODE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_the_instance_is_valid(schema: dict[str, Any]) -> None:
    jsonschema.validate(instance(schema), schema, format_checker=jsonschema.FormatChecker())
