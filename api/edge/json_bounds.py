"""How much a JSON body may hold, whatever it means: what LiteLLM, its database and this server can take at once."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from api.errors import InvalidRequest

# LiteLLM copies bodies by recursion, some ten frames a level, of the thousand that Python has.
MAX_DEPTH: Final = 64
# 2,048 inputs of an embedding with 300,000 tokens, OpenAI's most, fit.
MAX_VALUES: Final = 400_000
# LiteLLM's database reads a larger integer as a number that it cannot hold, and drops the rows that were to be written with it.
MAX_INTEGER: Final = 2**64 - 1
# Text has commas of its own; JSON of more than so many is not even parsed.
_MAX_COMMAS: Final = 5 * MAX_VALUES


def check_raw(raw: bytes) -> None:
    """Raises InvalidRequest for what would take long, or much memory, to be parsed."""
    if raw.count(b",") > _MAX_COMMAS:
        raise _too_many()


def check_values(body: Any) -> None:
    """Raises InvalidRequest, with the field in `param`, for what is too deep, too many, or no number that a computer holds."""
    level, count = [body], 0
    for _ in range(MAX_DEPTH):
        containers: list[Any] = []
        for container in level:
            values = container.values() if isinstance(container, dict) else container
            count += len(values)
            for value in values:
                kind = type(value)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    containers.append(value)
                elif (kind is int or kind is float) and _beyond(value):
                    raise _no_number(body)
        if count > MAX_VALUES:
            raise _too_many()
        level = containers
    if level:
        raise _too_deep(body)


def _beyond(value: Any) -> bool:
    """Of valid JSON, `1e999` is read as infinity, and an integer of any length as it is."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER


def _too_many() -> InvalidRequest:
    message = f"The body of the request holds more than {MAX_VALUES} values, the most that this server accepts."
    return InvalidRequest(message, code="request_too_complex")


def _too_deep(body: Any) -> InvalidRequest:
    where = _first(body, lambda value, depth: depth > MAX_DEPTH and isinstance(value, dict | list))
    message = f"'{where}' is nested deeper than the {MAX_DEPTH} levels that this server accepts."
    return InvalidRequest(message, param=where, code="invalid_json")


def _no_number(body: Any) -> InvalidRequest:
    where = _first(body, lambda value, _depth: _beyond(value))
    message = f"'{where}' is a number that neither 64 bits nor a float can hold."
    return InvalidRequest(message, param=where, code="invalid_json")


def _first(body: Any, fits: Callable[[Any, int], bool]) -> str:
    """The path of the field of the body in which this is found: deeper parts of it say less, and may be long."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        if any(fits(inner, depth) for inner, depth in _walk(value, 2)):
            return str(name)[:100]
    return ""


def _walk(value: Any, depth: int) -> Iterator[tuple[Any, int]]:
    waiting = [(value, depth)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if isinstance(value, dict | list):
            waiting += [(inner, depth + 1) for inner in (value.values() if isinstance(value, dict) else value)]
