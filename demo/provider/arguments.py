"""What a question says of a tool's arguments: a written call, quoted texts and figures, in the order of the parameters."""

import json
import re
from collections.abc import Iterator
from typing import Any

from demo.provider.schema import resolved

QUOTED = re.compile(r"“([^”]+)”|„([^“]+)“|\"([^\"]+)\"|(?<!\w)'([^']+)'(?!\w)|`([^`]+)`")
FIGURE = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)")
# What a tool's name begins with says what it does, not what it is about.
VERBS = frozenset(
    {"add", "calculate", "call", "create", "do", "fetch", "find", "get", "list", "look", "lookup", "make", "query"}
    | {"read", "run", "search", "set", "show"}
)


def is_about(question: str, tool: str) -> bool:
    """Whether the question names the tool, or everything that its name is about: `get_weather` and “the weather”."""
    words = [word for word in re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", tool) if word]
    matter = [word.lower() for word in words if word.lower() not in VERBS]
    asked = question.lower()
    named = {tool.lower(), " ".join(words).lower()}
    return any(name in asked for name in named) or (
        bool(matter) and all(re.search(rf"\b{re.escape(word)}s?\b", asked) for word in matter)
    )


def arguments_in(question: str, tool: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The arguments that can be read off the question; none where it says nothing that fits."""
    properties = {name: resolved(field, schema) for name, field in schema.get("properties", {}).items()}
    if written := re.search(rf"\b{re.escape(tool)}\(([^()]+)\)", question):
        values = [_value(text.strip()) for text in written[1].split(",")]
        return dict(zip(properties, values, strict=False))
    required = [name for name in properties if name in schema.get("required", [])]
    sources: dict[str, Iterator[Any]] = {
        "string": (next(filter(None, found)) for found in QUOTED.findall(question)),
        "number": (json.loads(found) for found in FIGURE.findall(question)),
    }
    return {name: value for name in required if (value := _next(sources, properties[name])) is not None}


def _next(sources: dict[str, Iterator[Any]], field: dict[str, Any]) -> Any:
    kind = str(field.get("type")).replace("integer", "number")
    free = kind in sources and not field.keys() & {"enum", "const", "format", "pattern"}
    return next(sources[kind], None) if free else None


def _value(text: str) -> Any:
    """`3` is a number, `name=3` and `name: 3` are too, and what is no JSON is a text."""
    bare = re.sub(r"^\w+\s*[=:]\s*", "", text)
    try:
        return json.loads(bare)
    except ValueError:
        return bare.strip("'\"")
