"""The keywords of JSON Schema, as the library has them, within a bounded time and with what cannot be checked left out."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, NamedTuple

import attrs
from jsonschema import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from api.tools.schema_habits import BOUNDS
from api.tools.schema_patterns import occurs

Keyword = Callable[[Validator, Any, Any, Mapping[str, Any]], Iterator[ValidationError] | None]
# What may refuse a value because something inside does fit it, or because something inside was not looked at.
_UNCERTAIN = (
    *("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
    *("not", "oneOf", "if", "contains", "disallow"),
)


# To look at the clock takes as long as a small keyword: only every so many times is it really done.
_LOOKS = 8


class TimeIsUpError(Exception):
    """The check has used the time that it has."""


class UndecidedError(Exception):
    """This keyword is not checked."""


class Allowance(NamedTuple):
    """The time that a check has, in seconds: of computing and, once it has computed for `least`, of waiting, too.

    On a busy machine the event loop stands still for longer than is computed, and a small check must not suffer from that.
    """

    computing: float
    waiting: float
    least: float


class _Watch:
    """The time of one check, whether its schema has patterns for names, and how often something was left undecided."""

    def __init__(self, allowance: Allowance, *, patterns: bool) -> None:
        computed = time.thread_time()
        self._end = computed + allowance.computing
        self._early_end = computed + allowance.least
        self._waited = time.monotonic() + allowance.waiting
        self.patterns = patterns
        self.undecided = 0
        self._looks = 0

    def look(self) -> None:
        self._looks += 1
        if self._looks % _LOOKS:
            return
        computed = time.thread_time()
        if computed > self._end or (computed > self._early_end and time.monotonic() > self._waited):
            raise TimeIsUpError


_WATCH: ContextVar[_Watch] = ContextVar("watch")


@contextmanager
def watched(allowance: Allowance, *, patterns: bool) -> Iterator[None]:
    """What the kinds of validators made here have to be used within."""
    token = _WATCH.set(_Watch(allowance, patterns=patterns))
    try:
        yield
    finally:
        _WATCH.reset(token)


@cache
def forgiving(kind: type[Validator]) -> type[Validator]:
    """The kind of validator that looks at the clock, and leaves unchecked what cannot be checked."""
    keywords = {
        name: _watching(name, partial(_OWN[name], keyword) if name in _OWN else keyword)
        for name, keyword in kind.VALIDATORS.items()
    }
    return _lasting(extend(kind, keywords))  # type: ignore[no-untyped-call]


@cache
def reading(kind: type[Validator]) -> type[Validator]:
    """The kind that checks schemas themselves: its own metaschema keeps it short, but for lists without repetitions."""
    return _lasting(extend(kind, {"uniqueItems": partial(_unique_items, kind.VALIDATORS["uniqueItems"])}))  # type: ignore[no-untyped-call]


def _lasting(kind: Any) -> type[Validator]:
    """The kind, also where a draft is named further down: the library's own keywords know no clock."""
    init = {field.name: field.alias for field in attrs.fields(kind) if field.init}

    def evolve(self: Any, **changes: Any) -> Any:
        return kind(**{alias: getattr(self, name) for name, alias in init.items()} | changes)

    kind.evolve = evolve
    return kind  # type: ignore[no-any-return]


def _watching(name: str, keyword: Keyword) -> Keyword:
    def check(validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        watch = _WATCH.get()
        watch.look()
        if instance is None and schema.get("nullable") is True:  # OpenAPI's way to allow null.
            return
        before = watch.undecided
        try:
            found = keyword(validator, value, instance, schema) or ()
            if name not in _UNCERTAIN:
                yield from found
                return
            all_found = list(found)
        except (TimeIsUpError, RecursionError):
            raise
        except Exception:  # noqa: BLE001  such as a `$ref` that leads nowhere, or a number beyond all computing
            watch.undecided += 1
            return
        if watch.undecided == before:
            yield from all_found

    return check


def _exclusive(
    name: str, keyword: Keyword, validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The keyword, also as draft 4 has it: `true` excludes the bound that stands beside it."""
    beside = BOUNDS[name]
    if not isinstance(value, bool):
        yield from keyword(validator, value, instance, schema) or ()
    elif value and validator.is_type(instance, "number") and instance == schema.get(beside):
        yield ValidationError(f"{instance!r} is equal to the {beside}, which is excluded")


def _pattern(
    _keyword: Keyword, validator: Validator, value: Any, instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not occurs(value, instance):
        yield ValidationError(f"{instance!r} does not match {value!r}")


def _pattern_properties(
    _keyword: Keyword, validator: Any, value: Any, instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, within in value.items():
        for name in instance:
            _WATCH.get().look()
            if occurs(pattern, name):
                yield from validator.descend(instance[name], within, path=name, schema_path=pattern)


def _additional_properties(
    keyword: Keyword, validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The library's own, for what no pattern names: it would search with Python's engine."""
    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    others = {name: instance[name] for name in instance if not _named(patterns, name)}
    plain = {name: beside for name, beside in schema.items() if name != "patternProperties"}
    yield from keyword(validator, value, others, plain) or ()


def _named(patterns: Mapping[str, Any], name: str) -> bool:
    _WATCH.get().look()
    return any(occurs(pattern, name) for pattern in patterns)


def _unevaluated(
    keyword: Keyword, validator: Validator, value: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """Left undecided beside patterns, wherever they are: the library would search them with Python's engine."""
    if _WATCH.get().patterns:
        raise UndecidedError
    yield from keyword(validator, value, instance, schema) or ()


def _unique_items(
    _keyword: Keyword, validator: Validator, value: Any, instance: Any, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """In a time that grows with the items, where the library compares each with each."""
    if not value or not validator.is_type(instance, "array"):
        return
    seen = set()
    for item in instance:
        key = _key(item)
        if key in seen:
            yield ValidationError(f"{instance!r} has non-unique elements")
            return
        seen.add(key)


def _key(value: Any) -> Any:
    """The same for equal JSON values, and for no others: true is not 1, but 1.0 is."""
    _WATCH.get().look()
    if isinstance(value, dict):
        return ("object", frozenset((name, _key(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return ("array", *map(_key, value))
    return ("boolean", value) if isinstance(value, bool) else value


_OWN: dict[str, Callable[..., Iterator[ValidationError]]] = {
    **{name: partial(_exclusive, name) for name in BOUNDS},
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedProperties": _unevaluated,
    "unevaluatedItems": _unevaluated,
    "uniqueItems": _unique_items,
}
