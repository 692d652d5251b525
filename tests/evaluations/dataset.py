"""The labelled requests and the tasks, as they stand in data/."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from api.protocol import RoutingMode

DATA = Path(__file__).parent / "data"
LABELS = (RoutingMode.PASSTHROUGH, RoutingMode.REASONING)
# One white pixel: what is in a picture is not what routing goes by.
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4////fwAJ+wP9KobjigAAAABJRU5ErkJggg=="

T = TypeVar("T")


class DataError(ValueError):
    """A set that cannot be used; the message names the entry and what it lacks."""


@dataclass(frozen=True, slots=True)
class RoutingCase:
    """`messages` is the conversation as a client sends it; `why` the rationale of a borderline label."""

    name: str
    label: RoutingMode
    kind: str
    language: str
    messages: tuple[Mapping[str, Any], ...]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """`answer` is a number, good to `tolerance`, or the texts of which one has to be the answer."""

    name: str
    ask: str
    answer: float | tuple[str, ...]
    tolerance: float = 0.0


def routing_cases(path: Path = DATA / "routing.yaml") -> list[RoutingCase]:
    """Raises DataError."""
    return [case for group in _entries(path) for case in _group(group)]


def tasks(path: Path = DATA / "answers.yaml") -> list[Task]:
    """Raises DataError."""
    return [_task(entry) for entry in _entries(path)]


def spread(items: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` of them, evenly over the whole, so that a small run meets every kind."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[place * len(items) // limit] for place in range(limit)]


def _entries(path: Path) -> list[dict[str, Any]]:
    entries = yaml.safe_load(path.read_text())
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path} must be a list of mappings")
    return entries


def _group(group: Mapping[str, Any]) -> Iterator[RoutingCase]:
    kind = group.get("kind")
    if group.get("label") not in LABELS or not isinstance(kind, str) or not group.get("cases"):
        wanted = " or ".join(LABELS)
        raise DataError(f"group {kind!r}: label must be {wanted}; kind and cases must be there and not empty")
    for place, entry in enumerate(group["cases"], start=1):
        fields = {"ask": entry} if isinstance(entry, str) else entry
        name = f"{group['label']}-{kind}-{place}"
        yield RoutingCase(
            name=name,
            label=RoutingMode(group["label"]),
            kind=kind,
            language=fields.get("language", "en"),
            messages=tuple(_messages(name, fields)),
            why=fields.get("why"),
        )


def _messages(name: str, fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    ask = fields.get("ask")
    if not isinstance(ask, str) or not ask.strip():
        raise DataError(f"{name}: ask must be a text")
    for role, text in fields.get("before", ()):
        yield {"role": role, "content": text}
    picture = {"type": "image_url", "image_url": {"url": PIXEL}}
    images = fields.get("images", 0)
    yield {"role": "user", "content": [{"type": "text", "text": ask}, *[picture] * images] if images else ask}


def _task(entry: Mapping[str, Any]) -> Task:
    name, ask, answer = entry.get("id"), entry.get("ask"), entry.get("answer")
    if not isinstance(name, str) or not isinstance(ask, str):
        raise DataError(f"task {name!r}: id and ask must be texts")
    if isinstance(answer, list) and answer:
        return Task(name, ask, tuple(map(str, answer)))
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return Task(name, ask, answer, float(entry.get("tolerance", 0)))
    raise DataError(f"task {name!r}: answer must be a number or a list of texts")
