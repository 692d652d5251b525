"""How large a JSON schema becomes when each `$ref` is replaced by what it stands for, as LiteLLM does for several providers."""

from collections.abc import Iterator
from typing import Any, Final

# All schemas of a request together: 5,000 properties, OpenAI's most, fit several times.
MAX_SCHEMA_NODES: Final = 100_000
_DEFINITIONS: Final = ("$defs", "definitions")


def unfolded_nodes(schema: Any, most: int) -> int:
    """Its objects, arrays and values; counts no further than just beyond `most`.

    A definition is known by the last part of its path, and left alone where it would stand within itself.
    """
    known = dict(_definitions(schema))
    waiting: list[tuple[Any, frozenset[str]]] = [(schema, frozenset())]
    nodes = 0
    while waiting and nodes <= most:
        node, within = waiting.pop()
        nodes += 1
        if isinstance(node, list):
            waiting += [(one, within) for one in node]
        elif isinstance(node, dict):
            waiting += [(one, within) for one in node.values()]
            name = _named(node)
            if name in known and name not in within:
                waiting.append((known[name], within | {name}))
    return nodes


def _named(node: dict[str, Any]) -> str:
    reference = node.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


def _definitions(schema: Any) -> Iterator[tuple[str, Any]]:
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for field in _DEFINITIONS:
                if isinstance(found := node.get(field), dict):
                    yield from found.items()
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
