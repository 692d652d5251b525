"""A small value that satisfies a JSON schema: what structured output is made of when there is no model."""

import math
from collections.abc import Callable
from typing import Any

import jsonschema

DEEPEST = 12
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/demo",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
# Tried in turn for a `pattern`: a value for any regular expression would take a library of its own.
PATTERN_GUESSES = ("demo", "a", "A", "0", "1", "00", "000", "0000", "00000", "2026-01-01", "a@b.co", "+10000000000", "")


def instance(schema: dict[str, Any]) -> Any:
    """The smallest plausible instance: required properties only, first choices, least lengths."""
    return _value(schema, schema, 0)


def _value(schema: Any, root: dict[str, Any], depth: int) -> Any:
    if not isinstance(schema, dict):
        return None
    schema = resolved(schema, root)
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return _value(
            _merged({k: v for k, v in schema.items() if k not in {"anyOf", "oneOf"}}, _branch(branches, root, depth)),
            root,
            depth + 1,
        )
    return MAKERS[_type(schema, depth)](schema, root, depth)


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema with its `$ref` followed and its `allOf` folded in."""
    while "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        schema = _merged(_pointed_at(schema["$ref"], root), rest)
    for part in schema.get("allOf", []):
        schema = _merged({k: v for k, v in schema.items() if k != "allOf"}, resolved(part, root))
    return schema


def _pointed_at(pointer: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in pointer.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if step else found
    return found if isinstance(found, dict) else {}


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = first | second
    if "properties" in first and "properties" in second:
        merged["properties"] = first["properties"] | second["properties"]
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *(set(second["required"]) - set(first["required"]))]
    return merged


def _branch(branches: list[dict[str, Any]], root: dict[str, Any], depth: int) -> dict[str, Any]:
    """The first branch; deep inside, one that leads no further: a schema may refer to itself."""
    if depth > DEEPEST // 2:
        for branch in branches:
            if _type(resolved(branch, root), depth) not in {"object", "array"}:
                return branch
    return branches[0]


def _type(schema: dict[str, Any], depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = "null" if "null" in kind and depth > DEEPEST // 2 else kind[0]
    if isinstance(kind, str) and kind in MAKERS:
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _object(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        return {}
    properties = schema.get("properties", {})
    return {name: _value(properties.get(name, {}), root, depth + 1) for name in schema.get("required", [])}


def _array(schema: dict[str, Any], root: dict[str, Any], depth: int) -> list[Any]:
    fixed = [_value(item, root, depth + 1) for item in schema.get("prefixItems", [])]
    missing = schema.get("minItems", 0) - len(fixed)
    return fixed + [_value(schema.get("items", {}), root, depth + 1) for _ in range(max(missing, 0))]


def _string(schema: dict[str, Any], _root: dict[str, Any], _depth: int) -> str:
    if "format" in schema and schema["format"] in FORMATS:
        return FORMATS[schema["format"]]
    if "pattern" in schema:
        only: dict[str, Any] = {name: schema[name] for name in ("pattern", "minLength", "maxLength") if name in schema}
        return next((guess for guess in PATTERN_GUESSES if _holds(guess, only)), "demo")
    text = "demo".ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]


def _holds(value: Any, schema: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def _integer(schema: dict[str, Any], _root: dict[str, Any], _depth: int) -> int:
    low, high, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf", 1)
    low = schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else low
    high = schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else high
    nearest = max(low if low is not None else 0, 0) if high is None or high >= 0 else high
    whole = max(int(step), 1)
    return int(math.ceil(nearest / whole) * whole if nearest >= 0 else math.floor(nearest / whole) * whole)


def _number(schema: dict[str, Any], root: dict[str, Any], depth: int) -> float:
    low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return float(low + high) / 2
    if low is not None and "maximum" in schema:
        return float(low + schema["maximum"]) / 2
    return _integer(schema, root, depth)


Maker = Callable[[dict[str, Any], dict[str, Any], int], Any]
MAKERS: dict[str, Maker] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda *_: False,
    "null": lambda *_: None,
}
