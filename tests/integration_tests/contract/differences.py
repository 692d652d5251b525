"""Where what a client got differs from what the provider sent, field by field."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """`path` names the field, with `[]` for any place in a list; `kind` is lost, added or changed."""

    path: str
    kind: str
    sent: Any = None
    got: Any = None


# What no repair of ours can undo, because LiteLLM does not say it anywhere, and what it adds to good purpose: for a stream,
# the cost stands nowhere else. docs/contract.md explains each.
ALLOWED_PLAIN = frozenset({("model", "changed")})
ALLOWED_STREAMED = frozenset(
    {
        ("model", "changed"),
        ("created", "changed"),
        ("usage.completion_tokens_details", "added"),
        ("usage.completion_tokens_details.text_tokens", "added"),
        ("usage.cost", "added"),
    }
)


def differences(sent: Any, got: Any, path: str = "") -> Iterator[Difference]:
    """Every field in which they differ; a type that changed is a difference, 1 and 1.0 are not one number."""
    if isinstance(sent, dict) and isinstance(got, dict):
        for name in sent.keys() | got.keys():
            yield from _of_field(name, sent, got, f"{path}.{name}" if path else name)
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for one, other in zip(sent, got, strict=True):
            yield from differences(one, other, f"{path}[]")
    elif type(sent) is not type(got) or sent != got:
        yield Difference(path, "changed", sent, got)


def _of_field(name: str, sent: dict[str, Any], got: dict[str, Any], path: str) -> Iterator[Difference]:
    if name not in got:
        yield Difference(path, "lost", sent[name])
    elif name not in sent:
        yield Difference(path, "added", got=got[name])
    else:
        yield from differences(sent[name], got[name], path)
