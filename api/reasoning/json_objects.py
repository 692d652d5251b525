"""Finds the JSON objects in what a model wrote, whatever stands around them: words, a fence, thinking.

Form alone is forgiven: a comma too many, comments, line breaks inside a text. What has two readings is refused: an object that
is not closed, a name that stands in it twice with different values, a number that JSON does not know.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

# An object begins with a brace before a name, or before its end. Words in braces are words.
_OPENING = re.compile(r"\{(?=\s*(?:\"|\}|//|/\*))")
_TEXT = r'"(?:[^"\\]|\\.)*+"'
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_TOKEN = re.compile(rf'{_TEXT}|{_COMMENT}|["{{}}]', re.DOTALL)
_COMMENTED = re.compile(rf"({_TEXT})|{_COMMENT}", re.DOTALL)
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_TRAILING_COMMA = re.compile(rf"({_TEXT})|,(?=\s*[}}\]])", re.DOTALL)


class NoJSON(ValueError):
    """The text is not JSON; the message says why."""


def decode(text: str) -> Any:
    """The text's value, if all of it is one.

    Raises:
        NoJSON: it is none, or has two readings.
    """
    try:
        return _strictly(text)
    except NoJSON as problem:
        plain = _TRAILING_COMMA.sub(r"\1", _COMMENTED.sub(r"\1", text))
        if plain == text:
            raise
        try:
            return _strictly(plain)
        except NoJSON:
            raise problem from None


def objects_in(text: str) -> Iterator[str]:
    """The texts of the objects that a text holds, read or not, those inside of others not counted.

    One that is not closed goes on to the end: what stands inside of it is a part, and no object of its own.
    """
    place = 0
    while opening := _OPENING.search(text, place):
        place = _end(text, opening.start())
        yield text[opening.start() : place]


def _end(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
        if token[0] == '"':  # A text that is not closed either.
            break
    return len(text)


def _strictly(text: str) -> Any:
    try:
        return _read(text)
    except NoJSON:
        raise
    except RecursionError:
        raise NoJSON("it is nested too deeply") from None
    except ValueError as error:  # UnicodeEncodeError, too: half a character is none.
        raise NoJSON(str(error)) from None


def _read(text: str) -> Any:
    hooks: dict[str, Any] = {"parse_float": _number, "parse_constant": _unknown_number}
    value = json.loads(text, strict=False, object_pairs_hook=_object, **hooks)
    if _HALF_CHARACTER.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read and read[name] != value:
            raise NoJSON(f"{name[:100]!r} stands in one object twice, with different values")
        read[name] = value
    return read


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NoJSON(f"{text[:20]} is beyond all numbers")
    return value


def _unknown_number(text: str) -> float:
    raise NoJSON(f"{text} is no number in JSON")
