"""Checks a call's arguments against the tool's own JSON Schema before the tool sees them, within a bounded time.

Not all schemas in use are quite JSON Schema: patterns may be written for another language, such as `(?<name>…)`, bounds
may be those of draft 4, `"exclusiveMinimum": true`, and null may be allowed as OpenAPI has it, `"nullable": true`. Such
bounds and nulls are understood; keywords that are null count as left out. Such a pattern is not checked, and neither is
what depends on it: with `not`, for one, taking it as fulfilled would refuse what the server allows. The same holds for a
`$ref` that leads nowhere, for numbers beyond all computing, and for whatever takes too long: what is not checked here is
left to the server.

A check runs in the event loop, so each keyword first looks at the clock. Within one keyword only the work is done that
the schema's size and the arguments' size allow; `schema_patterns.py` sees to that for regular expressions.
"""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry

from api.tools.schema_bounds import TooMuchError, bounded
from api.tools.schema_habits import is_habit, tidied
from api.tools.schema_keywords import Allowance, TimeIsUpError, forgiving, reading, watched

# In the event loop, for each call.
CHECKING = Allowance(computing=0.05, waiting=0.2, least=0.02)
# Beside the event loop, for each list of tools.
READING = Allowance(computing=2.0, waiting=10.0, least=1.0)
MAX_PROBLEMS = 5
MAX_ERRORS = 100
MAX_PROBLEM_CHARACTERS = 300


class ToolSchemaError(ValueError):
    """The schema that a tool came with is not a usable JSON Schema."""


class Verdict(NamedTuple):
    """What is wrong with a value, None if nothing was found; `unchecked` is why it was not checked to the end."""

    problem: str | None
    unchecked: str | None = None


Check = Callable[[Any], Verdict]


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """A function that says what is wrong with a value.

    The empty registry keeps `$ref` inside the document: a server's schema must not make us fetch an address.
    Raises ToolSchemaError.
    """
    whole, kind = _read(schema)
    validator = forgiving(kind)(whole, registry=Registry())
    patterns = "patternProperties" in json.dumps(whole)

    def check(value: Any) -> Verdict:
        found: list[ValidationError] = []
        with watched(CHECKING, patterns=patterns):
            try:
                for error in islice(validator.iter_errors(value), MAX_ERRORS):
                    found.append(error)  # noqa: PERF402  what was found before the time was up is kept
            except TimeIsUpError:
                return Verdict(_describe(found), "that takes too long")
            except RecursionError:
                return Verdict(_describe(found), "the schema or the value leads too deep")
        return Verdict(_describe(found))

    return check


def _read(schema: Mapping[str, Any]) -> tuple[dict[str, Any], type[Validator]]:
    try:
        whole = tidied(bounded(schema))
        with watched(READING, patterns=False):
            return whole, _checked_kind(whole)
    except TooMuchError as problem:
        raise ToolSchemaError(f"its input schema is {problem}") from None
    except SchemaError as problem:
        raise ToolSchemaError(f"its input schema is not valid JSON Schema: {_short(problem.message)}") from None
    except TimeIsUpError:
        raise ToolSchemaError(f"its input schema could not be read within {READING.computing:g} s") from None
    except Exception as problem:  # noqa: BLE001  such as a `$schema` that is no text
        raise ToolSchemaError(f"its input schema cannot be read as JSON Schema ({type(problem).__name__})") from None


def _checked_kind(schema: dict[str, Any]) -> type[Validator]:
    """The validator for the schema's draft. Patterns are not looked at: they are a format, and formats are not checked."""
    kind: type[Validator] = validator_for(schema, default=Draft202012Validator)
    for problem in reading(kind)(kind.META_SCHEMA).iter_errors(schema):
        if not is_habit(problem):
            raise SchemaError.create_from(problem)
    return kind


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
