"""Ways of writing a schema that are not JSON Schema's, and what they mean."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from jsonschema import ValidationError

BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
# Below these stand names and their schemas; PHP writes an empty one as a list.
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
# Below these stand values, whatever they look like.
_VALUES = ("const", "enum", "default", "example", "examples")


def tidied(schema: Any) -> Any:
    """The schema without keywords that are null, as Go and C# write what is not there, and with `{}` for PHP's `[]`."""
    if isinstance(schema, list):
        return [tidied(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        keyword: value if keyword in _VALUES else _below(keyword, value)
        for keyword, value in schema.items()
        if value is not None or keyword == "const"
    }


def _below(keyword: str, value: Any) -> Any:
    if keyword not in _BY_NAME:
        return tidied(value)
    if value == []:
        return {}
    if not isinstance(value, Mapping):
        return value
    return {name: True if inner is None else tidied(inner) for name, inner in value.items()}


def is_habit(problem: ValidationError) -> bool:
    """Whether all that a schema breaks of JSON Schema is that a bound is written as in draft 4."""
    if problem.validator == "anyOf":
        branches = groupby(problem.context or (), key=lambda inner: inner.schema_path[0])
        return any(all(map(is_habit, inner)) for _, inner in branches)
    path = problem.absolute_path
    return bool(path) and path[-1] in BOUNDS and isinstance(problem.instance, bool)
