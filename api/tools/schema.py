"""Checks a call's arguments against the tool's own JSON Schema before the tool sees them.

Not all schemas in use are quite JSON Schema: patterns may be written for another language than Python, such as `\\p{L}`
or `(?<name>…)`, and bounds may be those of draft 4, `"exclusiveMinimum": true`. Such a bound is understood. Such a
pattern is not checked, and neither is what depends on it: with `not`, for one, taking it as fulfilled would refuse what
the server allows. Whatever is not checked here is left to the server.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_PROBLEMS = 5
MAX_PROBLEM_CHARACTERS = 300
# What searches with patterns, and what may refuse arguments because a schema inside it does fit them.
_UNCERTAIN = (
    *("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
    *("not", "oneOf", "if", "contains", "disallow"),
)
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}

ArgumentCheck = Callable[[Mapping[str, Any]], str | None]
Keyword = Callable[[Validator, Any, Any, Mapping[str, Any]], Iterator[ValidationError] | None]


class ToolSchemaError(ValueError):
    """The schema that a tool came with is not a usable JSON Schema."""


def compile_schema(schema: Mapping[str, Any]) -> ArgumentCheck:
    """A function that says what is wrong with given arguments, or None.

    The empty registry keeps `$ref` inside the document: a server's schema must not make us fetch an address.
    Raises ToolSchemaError.
    """
    try:
        kind = _checked_kind(schema)
    except SchemaError as problem:
        raise ToolSchemaError(f"its input schema is not valid JSON Schema: {_short(problem.message)}") from None
    except Exception as problem:  # noqa: BLE001  such as a `$schema` that is no text, or schemas nested too deeply
        raise ToolSchemaError(f"its input schema cannot be read as JSON Schema ({type(problem).__name__})") from None
    # Without the name of its draft, which has been read, a reference to the whole schema stays with this kind.
    nameless = {name: value for name, value in schema.items() if name != "$schema"}
    validator = _forgiving(kind)(nameless, registry=Registry())

    def check(arguments: Mapping[str, Any]) -> str | None:
        try:
            return _describe(list(validator.iter_errors(arguments)))
        except Unresolvable:
            return "the tool's input schema refers to something that it does not contain, so it cannot be called"

    return check


def _checked_kind(schema: Mapping[str, Any]) -> type[Validator]:
    """The validator for the schema's draft. Patterns are not looked at: they are a format, and formats are not checked."""
    kind: type[Validator] = validator_for(schema, default=Draft202012Validator)
    for problem in kind(kind.META_SCHEMA).iter_errors(dict(schema)):
        if not _is_bound_of_draft_4(problem):
            raise SchemaError.create_from(problem)
    return kind


def _is_bound_of_draft_4(problem: ValidationError) -> bool:
    if problem.validator == "anyOf":
        branches = groupby(problem.context or (), key=lambda inner: inner.schema_path[0])
        return any(all(map(_is_bound_of_draft_4, inner)) for _, inner in branches)
    path = problem.absolute_path
    return bool(path) and path[-1] in _BOUNDS and isinstance(problem.instance, bool)


@cache
def _forgiving(kind: type[Validator]) -> type[Validator]:
    """The kind of validator that leaves unchecked what cannot be checked."""
    unchecked = 0

    def forgiving(keyword: Keyword) -> Keyword:
        def check(
            validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]
        ) -> Iterator[ValidationError]:
            nonlocal unchecked
            before = unchecked
            try:
                found = list(keyword(validator, value, instance, schema) or ())
            except re.error:
                unchecked += 1
            else:
                if unchecked == before:
                    yield from found

        return check

    keywords = {name: forgiving(kind.VALIDATORS[name]) for name in _UNCERTAIN if name in kind.VALIDATORS}
    bounds = {name: _exclusive(name, kind.VALIDATORS[name]) for name in _BOUNDS if name in kind.VALIDATORS}
    return extend(kind, keywords | bounds)  # type: ignore[no-untyped-call, no-any-return]


def _exclusive(name: str, keyword: Keyword) -> Keyword:
    """The keyword, also as draft 4 has it: `true` excludes the bound that stands beside it."""
    beside = _BOUNDS[name]

    def check(validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if not isinstance(value, bool):
            yield from keyword(validator, value, instance, schema) or ()
        elif value and validator.is_type(instance, "number") and instance == schema.get(beside):
            yield ValidationError(f"{instance!r} is equal to the {beside}, which is excluded")

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
