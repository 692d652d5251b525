"""Checks a call's arguments against the tool's own JSON Schema before the tool sees them."""

from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_PROBLEMS = 5
MAX_PROBLEM_CHARACTERS = 300

ArgumentCheck = Callable[[Mapping[str, Any]], str | None]


class ToolSchemaError(ValueError):
    """The schema that a tool came with is not a usable JSON Schema."""


def compile_schema(schema: Mapping[str, Any]) -> ArgumentCheck:
    """A function that says what is wrong with given arguments, or None.

    The empty registry keeps `$ref` inside the document: a server's schema must not make us fetch an address.
    Raises ToolSchemaError.
    """
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except SchemaError as problem:
        raise ToolSchemaError(f"its input schema is not valid JSON Schema: {_short(problem.message)}") from None
    validator = kind(schema, registry=Registry())

    def check(arguments: Mapping[str, Any]) -> str | None:
        try:
            return _describe(list(validator.iter_errors(arguments)))
        except Unresolvable:
            return "the tool's input schema refers to something that it does not contain, so it cannot be called"

    return check


def _describe(errors: list[ValidationError]) -> str | None:
    if not errors:
        return None
    shown = [_line(_nearest(error)) for error in sorted(errors, key=lambda error: list(map(str, error.path)))]
    more = f"; and {len(shown) - MAX_PROBLEMS} more" if len(shown) > MAX_PROBLEMS else ""
    return "; ".join(shown[:MAX_PROBLEMS]) + more


def _nearest(error: ValidationError) -> ValidationError:
    """For an `anyOf`, the alternative that nearly fitted says more than that none did."""
    return best_match([error]) or error


def _line(error: ValidationError) -> str:
    return f"{''.join(_step(step) for step in error.absolute_path).lstrip('.') or 'arguments'}: {_short(error.message)}"


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _short(message: str) -> str:
    # A message quotes the value, which may be as long as a model cares to write.
    if len(message) <= MAX_PROBLEM_CHARACTERS:
        return message
    half = MAX_PROBLEM_CHARACTERS // 2
    return f"{message[:half]} … {message[-half:]}"
