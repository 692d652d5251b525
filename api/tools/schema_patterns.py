"""Regular expressions of a tool's schema, searched in a time that grows with the text and never with its powers.

Patterns are searched by Rust's engine, which pydantic brings along and which never goes back in a text: no pattern can
make it run for ever, as `^(a+)+$` makes Python's. What it cannot do (looking around, referring back) and what the
dialects read differently is not searched at all: whoever asks is told so, and leaves the question to the server.
"""

import re
import warnings
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN_CHARACTERS = 1_000
# The states of a pattern, repetitions written out, times the characters of the text: about 0.1 s at the very worst.
MAX_STATES = 5_000
MAX_STEPS = 10_000_000
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL)
# A word's ends and sets within sets to Rust, plain characters to JavaScript.
_READ_DIFFERENTLY = re.compile(r"\\[<>]|\\b\{|(?<!\\)\[(?:\\.|[^\]\\\[])+\[")
# Whether these take letters beyond ASCII for letters is another matter in each language. To Rust they are many states.
_CLASSES = re.compile(r"\\[wWdDsSbBpP]")
_STATES_OF_A_CLASS = 20


class UnsearchableError(Exception):
    """Whether the pattern occurs in the text is not decided here."""


def occurs(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text. Raises UnsearchableError."""
    validator, states = _compiled(pattern)
    if validator is None or states * len(text) > MAX_STEPS or not _encodable(text):
        raise UnsearchableError(pattern)
    if validator.isinstance_python(text):
        return True
    # To Python, `$` is also before a line's end at the end.
    if (not text.isascii() and _CLASSES.search(pattern)) or (text.endswith("\n") and "$" in pattern):
        raise UnsearchableError(pattern)
    return False


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> tuple[SchemaValidator | None, int]:
    """The validator, None if the pattern is not to be searched, and the number of its states."""
    states = _states(pattern)
    if states > MAX_STATES or not _read_alike(pattern):
        return None, states
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True)), states
    except SchemaError:
        return None, states


def _read_alike(pattern: str) -> bool:
    """Whether Python can read it too, and without the warning that a set inside a set means another thing elsewhere."""
    if len(pattern) > MAX_PATTERN_CHARACTERS or _READ_DIFFERENTLY.search(pattern):
        return False
    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return not doubts


def _states(pattern: str) -> int:
    """How many characters, classes and the like the pattern has when its repetitions are written out."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return MAX_STATES + 1
    groups, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        if token[0] == "(":
            groups.append(0)
        elif token[0] == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif token[1]:
            times = max(int(token[1]), int(token[2] or 0), 1)
            groups[-1] += last * (times - 1)
            last *= times
        else:
            last = _STATES_OF_A_CLASS if _CLASSES.search(token[0]) else 1
            groups[-1] += last
    return sum(groups)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # Half of a surrogate pair, which JSON can say and Rust's strings cannot.
        return False
    return True
