"""Refusals of bad input that OpenAI's APIs share, in OpenAI's words."""

from typing import Any

from demo.provider.errors import ProviderError

JSON_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "decimal"}


def model_of(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ProviderError("you must provide a model parameter")
    return model


def required(body: dict[str, Any], name: str) -> Any:
    if body.get(name) is None:
        raise ProviderError(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return body[name]


def of_type(value: Any, expected: type, name: str) -> Any:
    if not isinstance(value, expected):
        was, wanted = JSON_NAMES.get(type(value), "null"), JSON_NAMES[expected]
        raise ProviderError(
            f"Invalid type for '{name}': expected {_article(wanted)}, but got {_article(was)} instead.",
            param=name,
            code="invalid_type",
        )
    return value


def one_of(value: Any, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        values = (
            ", ".join(f"'{item}'" for item in allowed[:-1]) + f" and '{allowed[-1]}'" if allowed[1:] else allowed[0]
        )
        message = f"Invalid value: '{value}'. Supported values are: {values}."
        raise ProviderError(message, param=name, code="invalid_value")
    return str(value)


def in_range(body: dict[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        of_type(value, float, name)
    kind = "integer" if isinstance(value, int) and isinstance(high, int) else "decimal"
    if not low <= value <= high:
        side, word, bound = ("below minimum", ">=", low) if value < low else ("above maximum", "<=", high)
        code = f"{kind}_{'below_min' if value < low else 'above_max'}_value"
        message = f"Invalid '{name}': {kind} {side} value. Expected a value {word} {bound}, but got {value} instead."
        raise ProviderError(message, param=name, code=code)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"
