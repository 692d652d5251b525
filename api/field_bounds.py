"""What a field can hold by its API's own documentation, for requests whose steps are paid for before their provider can say no."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from api.errors import InvalidRequest


class Bound(Protocol):
    """What a value must be; null is the same as no value."""

    def check(self, field: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Number:
    """From `low` to `high`, both included."""

    low: float | None = None
    high: float | None = None
    whole: bool = False

    def check(self, field: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise invalid(field, f"expected {self._words()}, but got {_shown(value)}", "invalid_type")
        named = "integer" if self.whole else "decimal"
        if self.low is not None and value < self.low:
            raise invalid(field, f"expected {self._words()}, but got {value}", f"{named}_below_min_value")
        if self.high is not None and value > self.high:
            raise invalid(field, f"expected {self._words()}, but got {value}", f"{named}_above_max_value")

    def _words(self) -> str:
        some = "an integer" if self.whole else "a number"
        if self.high is None:
            return some if self.low is None else f"{some} of at least {self.low}"
        return f"{some} from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Flag:
    def check(self, field: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise invalid(field, f"expected true or false, but got {_shown(value)}", "invalid_type")


@dataclass(frozen=True, slots=True)
class OneOf:
    values: Collection[str]

    def check(self, field: str, value: Any) -> None:
        if value not in self.values:
            raise invalid(field, f"expected one of {', '.join(self.values)}, but got {_shown(value)}", "invalid_value")


@dataclass(frozen=True, slots=True)
class Texts:
    """An array of texts, or one alone where `single` says so."""

    most: int | None = None
    single: bool = False

    def check(self, field: str, value: Any) -> None:
        if self.single and isinstance(value, str):
            return
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid(field, f"expected an array of strings, but got {_shown(value)}", "invalid_type")
        if self.most is not None and len(value) > self.most:
            expected = f"expected an array with at most {self.most} strings, but got {len(value)}"
            raise invalid(field, expected, "array_above_max_length")


@dataclass(frozen=True, slots=True)
class Numbers:
    """An object whose values are numbers."""

    each: Number

    def check(self, field: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise invalid(field, f"expected an object, but got {_shown(value)}", "invalid_type")
        for name, one in value.items():
            self.each.check(f"{field}.{name}", one)


def check_fields(body: Mapping[str, Any], bounds: Mapping[str, Bound]) -> None:
    """
    Raises:
        InvalidRequest: a field holds what it cannot; the message names it and what it can.
    """
    for field, bound in bounds.items():
        if (value := body.get(field)) is not None:
            bound.check(field, value)


def invalid(field: str, why: str, code: str) -> InvalidRequest:
    """The error of a field that holds what it cannot."""
    return InvalidRequest(f"Invalid '{field}': {why}.", param=field, code=code)


def _shown(value: Any) -> str:
    kinds = {
        str: "a string",
        list: "an array",
        dict: "an object",
        bool: "a boolean",
        float: "a decimal",
        int: "an integer",
    }
    kind = kinds.get(type(value), "null")
    return f"'{value[:40]}'" if isinstance(value, str) else kind
