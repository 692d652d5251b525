"""JSON as text, also such as no program would write: members in pairs, so that a key can stand twice, and values as they are."""

import json
import random
from typing import Any

LONGEST = 200_000
_TEXTS = (
    *("", " ", "\u0000", "a\u0000b", "\r\n\r\n", "data: [DONE]\n\n", "\u2028", "\x85", "\x1b[31m", "\u202e", "\ufeff"),
    *("🙂" * 3, "e\u0301", "ﷺ", "true", "null", "0", "-1", "{}", "[]", "{{x}}", "${x}", "%s%n", "{0}", "<|endoftext|>"),
    *(
        "</think>",
        "```json",
        "http://127.0.0.1:1/x",
        "file:///etc/hosts",
        "../../x",
        "' OR 1=1 --",
        "data:image/png;base64,",
    ),
)
_NUMBERS = (
    *(
        "0",
        "-0",
        "-0.0",
        "1",
        "2",
        "-1",
        "1e5",
        "0.1",
        "1.0",
        "1e-999",
        "1e308",
        "18446744073709551616",
        "9223372036854775808",
    ),
    *("9" * 400, "-" + "9" * 4000, "0." + "1" * 400, "true", "false", "null", '"\\ud83d\\ude42"'),
)
# What no JSON parser takes, or ours does not.
_BROKEN = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "1E400",
        "9" * 5000,
        "00",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1f",
        "-",
        "1e",
    ),
    *(
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"a\\ud83d"',
        '"\\x"',
        "'a'",
        "undefined",
        "True",
        "None",
        "[,]",
        "[1,]",
        '{"a":1,}',
    ),
    *("/*x*/1", '"\t"', "\u00a01", "", '{"a" 1}', "{a:1}", '"'),
)


class Raw(str):
    """Stands in a value for the text that it is."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object as its members in order."""


def members(value: Any) -> Any:
    """The value with every dict as Members."""
    if isinstance(value, dict):
        return Members((key, members(inner)) for key, inner in value.items())
    return [members(inner) for inner in value] if isinstance(value, list) else value


def write(value: Any) -> str:
    """The value as JSON; what is Raw stands in it as it is."""
    match value:
        case Raw():
            return str(value)
        case Members():
            return "{" + ",".join(f"{json.dumps(key)}:{write(inner)}" for key, inner in value) + "}"
        case list():
            return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def written_size(value: Any, known: dict[int, int] | None = None) -> int:
    """How many characters `write` would make of it, nearly. A part that stands in many places is looked at once."""
    known = {} if known is None else known
    if not isinstance(value, list):
        return len(value) + 2 if isinstance(value, str) else 8
    if (size := known.get(id(value))) is None:
        keys = sum(len(key) + 4 for key, _ in value) if isinstance(value, Members) else 0
        inner = (entry[1] for entry in value) if isinstance(value, Members) else value
        size = known[id(value)] = 2 + keys + sum(written_size(one, known) + 1 for one in inner)
    return size


def anything(rng: random.Random, depth: int = 3) -> Any:
    """A value of any type."""
    kind = rng.random()
    if kind < 0.03:
        return Raw(rng.choice(_BROKEN))
    if kind < 0.35 or depth == 0:
        return Raw(rng.choice(_NUMBERS))
    if kind < 0.65:
        return rng.choice(_TEXTS)
    if kind < 0.68:
        return rng.choice('ax\u00e9🙂\u0000\\"') * rng.randrange(1, LONGEST)
    if kind < 0.70:
        return deep(rng)
    inner = [anything(rng, depth - 1) for _ in range(rng.randrange(4))]
    return (
        inner if kind < 0.86 else Members((rng.choice(("type", "text", "a", "", "role", "name")), one) for one in inner)
    )


def deep(rng: random.Random) -> Raw:
    """Nesting that is too deep, or nearly."""
    depth = int(10 ** rng.uniform(1, 4.7))
    if rng.random() < 0.5:
        return Raw("[" * depth + "]" * depth)
    return Raw('{"a":' * depth + "1" + "}" * depth)
