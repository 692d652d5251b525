"""How large and how deep JSON from a tool's server may be."""

import json
from collections.abc import Mapping
from typing import Any

# Every tool's schema stands in the prompt of every step: what is longer than this no model is given.
MAX_SCHEMA_CHARACTERS = 100_000
# Counted in the schema's JSON, in which an object within an object is three levels down.
MAX_SCHEMA_DEPTH = 100


class TooMuchError(ValueError):
    """More than may be; the message goes on after "it is"."""


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, if it is of a size to be read. Raises TooMuchError."""
    if depth_beyond(schema, MAX_SCHEMA_DEPTH):
        raise TooMuchError(f"nested more than {MAX_SCHEMA_DEPTH} levels deep")
    length = len(json.dumps(schema, ensure_ascii=False))
    if length > MAX_SCHEMA_CHARACTERS:
        raise TooMuchError(f"{length:,} characters long, and {MAX_SCHEMA_CHARACTERS:,} are the most that is read")
    return dict(schema)


def depth_beyond(value: Any, most: int) -> bool:
    """Whether lists and objects lie in one another more than so many levels deep."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _within(outer)]
        if not level:
            return False
    return any(isinstance(inner, (Mapping, list)) for inner in level)


def _within(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [inner for inner in value.values() if isinstance(inner, (Mapping, list))]
    return [inner for inner in value if isinstance(inner, (Mapping, list))] if isinstance(value, list) else []
