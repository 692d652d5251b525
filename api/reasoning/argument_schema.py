"""A tool's own arguments in the subset of JSON Schema that strict structured output knows, and how they are read back.

The subset is OpenAI's, whose strict mode is the narrowest of those that keep bounds: objects are closed and all their fields
required, so that a field which may be absent may be null instead. What it cannot say is left out where that only allows more
(a pattern, a format): the call is checked against the tool's own schema anyway. Where it would allow less, there is no such
schema, and the arguments are asked for as text.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 4_000  # characters of one text
MAX_ITEMS = 50
MAX_DEPTH = 5  # with the step around it this stays below the 10 levels of OpenAI's strict mode
MAX_SIZE = 4_000  # characters of one tool's schema
MAX_PARTS = 300  # schemas within one tool's schema
_NULL = {"type": "null"}
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# What allows more than the fields that are named, or says them in a way that is not followed here.
_BEYOND = ("patternProperties", "prefixItems", "$dynamicRef", "dependentSchemas", "unevaluatedProperties")


class _NotExpressible(ValueError):
    """A strict schema would allow less."""


def strict_arguments(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments' strict schema; None where there is none."""
    try:
        strict = _Translation(schema).of_object(_followed(schema, schema), 0)
    except (_NotExpressible, TypeError, AttributeError, RecursionError):
        return None
    return strict if len(json.dumps(strict)) <= MAX_SIZE else None


def without_unsaid(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments less each null that stands for a field left out: one that need not be there, and cannot be null.

    The schema is one that has a strict form: so it does not unfold without end.
    """
    return dict(_said(arguments, schema, schema))


class _Translation:
    """One tool's schema on its way into the subset. References may unfold a short schema into an endless one: hence the count."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_PARTS

    def of(self, schema: Any, depth: int) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _NotExpressible
        schema = _followed(schema, self._root)
        if schema.get("nullable") is True:
            return _nullable(self.of({**schema, "nullable": False}, depth))
        if "enum" in schema or "const" in schema:
            return _choice(schema.get("enum", [schema.get("const")]))
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return _alternatives([self.of(branch, depth) for branch in branches])
        kind = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kind, list):
            return _alternatives([self.of({**schema, "type": one}, depth) for one in kind])
        return self._of_type(kind, schema, depth)

    def of_object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        closed = schema.get("additionalProperties", False) is False
        named = schema.get("properties", {} if schema.get("additionalProperties") is False else None)
        if named is None or not closed or any(name in schema for name in _BEYOND):
            raise _NotExpressible
        fields = {name: self.of(field, depth + 1) for name, field in named.items()}
        required = schema.get("required") or []
        optional = {name: _nullable(field) for name, field in fields.items() if name not in required}
        return {
            "type": "object",
            "properties": fields | optional,
            "required": list(fields),
            "additionalProperties": False,
        }

    def _of_type(self, kind: Any, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        match kind:
            case "object":
                return self.of_object(schema, depth)
            case "array":
                return self._of_array(schema, depth)
            case "string":
                return _text(schema)
            case "integer" | "number":
                return {"type": kind} | {name: schema[name] for name in _NUMBERS if _is_number(schema.get(name))}
            case "boolean" | "null":
                return {"type": kind}
        raise _NotExpressible

    def _of_array(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        least = _count(schema, "minItems", 0)
        if "items" not in schema or least > MAX_ITEMS or any(name in schema for name in _BEYOND):
            raise _NotExpressible
        bounds = ({"minItems": least} if least else {}) | {"maxItems": _most(schema, "maxItems", MAX_ITEMS)}
        return {"type": "array", "items": self.of(schema["items"], depth + 1), **bounds}


def _text(schema: Mapping[str, Any]) -> dict[str, Any]:
    if _count(schema, "minLength", 0) > MAX_TEXT:
        raise _NotExpressible
    return {"type": "string", "maxLength": _most(schema, "maxLength", MAX_TEXT)}


def _choice(values: list[Any]) -> dict[str, Any]:
    """Texts alone, or whole numbers alone, with or without null: what every strict mode takes as an enum."""
    said = [value for value in values if value is not None]
    kind = next((name for name, type_ in (("string", str), ("integer", int)) if said and _all_are(said, type_)), None)
    if kind is None:
        raise _NotExpressible
    choice = {"type": kind, "enum": said}
    return choice if len(said) == len(values) else _nullable(choice)


def _all_are(values: list[Any], type_: type) -> bool:
    return all(type(value) is type_ for value in values)


def _alternatives(branches: list[dict[str, Any]]) -> dict[str, Any]:
    """OpenAI's strict mode takes no two objects that begin with the same field: one object at most keeps clear of that."""
    flat = [inner for branch in branches for inner in branch.get("anyOf", [branch])]
    distinct = [branch for place, branch in enumerate(flat) if branch not in flat[:place]]
    if sum(branch.get("type") == "object" for branch in distinct) > 1 or not distinct:
        raise _NotExpressible
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return _alternatives([schema, _NULL])


def _followed(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its `$ref` within the document followed, and what a single `allOf` holds."""
    for _ in range(MAX_DEPTH):
        if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
            schema = {**_pointed_at(schema["$ref"], root), **_rest(schema, "$ref")}
        elif isinstance(schema, dict) and len(schema.get("allOf", [])) == 1:
            schema = {**schema["allOf"][0], **_rest(schema, "allOf")}
        else:
            break
    if not isinstance(schema, dict) or {"$ref", "allOf"} & schema.keys():
        raise _NotExpressible
    return schema


def _rest(schema: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != left_out}


def _pointed_at(pointer: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    if not pointer.startswith("#/"):
        raise _NotExpressible
    for step in pointer[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise _NotExpressible
    return found


def _said(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    schema = _followed(schema, root)
    branches = schema.get("anyOf") or schema.get("oneOf") or ()
    objects = [branch for branch in branches if "properties" in _followed(branch, root)]
    schema = _followed(objects[0], root) if len(objects) == 1 else schema
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_said(item, schema["items"], root) for item in value]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    required = schema.get("required") or []
    kept = {
        name: inner
        for name, inner in value.items()
        if inner is not None or name in required or name not in properties or _takes_null(properties[name], root)
    }
    return {name: _said(inner, properties[name], root) if name in properties else inner for name, inner in kept.items()}


def _takes_null(schema: Any, root: Mapping[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    schema = _followed(schema, root)
    if schema.get("nullable") is True:
        return True
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return any(_takes_null(branch, root) for branch in branches)
    if "enum" in schema or "const" in schema:
        return None in schema.get("enum", [schema.get("const")])
    kind = schema.get("type")
    return kind is None or kind == "null" or (isinstance(kind, list) and "null" in kind)


def _most(schema: Mapping[str, Any], name: str, ours: int) -> int:
    return min(_count(schema, name, ours), ours)


def _count(schema: Mapping[str, Any], name: str, default: int) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
