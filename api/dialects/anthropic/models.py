"""The models of this server as Anthropic lists its own: in pages, each with a name to be shown; in LiteLLM's order."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from api.errors import InvalidRequest
from api.protocol import split_mode

DEFAULT_LIMIT: Final = 20  # Anthropic's own, as is the next
MAX_LIMIT: Final = 1000
_WORDS: Final = re.compile(r"[-_/:]+")
_VERSION: Final = re.compile(r"(?<=\d) (?=\d)")


def models_page(
    models: Sequence[Mapping[str, Any]], *, limit: str | None, after_id: str | None, before_id: str | None
) -> dict[str, Any]:
    """One page of them; `after_id` or `before_id` is the model next to which it begins or ends.

    Raises:
        InvalidRequest: a parameter that cannot be used.
    """
    most = _limit(limit)
    names = [str(model["id"]) for model in models]
    first = 0 if after_id is None else _place(names, "after_id", after_id) + 1
    last = len(models) if before_id is None else _place(names, "before_id", before_id)
    wanted = list(models[first:last])
    shown = wanted[:most] if before_id is None or after_id is not None else wanted[-most:]
    listed = [model(one) for one in shown]
    return {
        "data": listed,
        "has_more": len(shown) < len(wanted),
        "first_id": listed[0]["id"] if listed else None,
        "last_id": listed[-1]["id"] if listed else None,
    }


def model(described: Mapping[str, Any]) -> dict[str, Any]:
    """One model, with the lengths that LiteLLM knows of it."""
    name, created = str(described["id"]), described.get("created")
    since = datetime.fromtimestamp(created if isinstance(created, int) else 0, UTC)
    lengths = {"max_input_tokens": described.get("context_window"), "max_tokens": described.get("max_output_tokens")}
    return {
        "type": "model",
        "id": name,
        "display_name": _display_name(name),
        "created_at": since.isoformat().replace("+00:00", "Z"),
    } | {field: length for field, length in lengths.items() if length is not None}


def _display_name(name: str) -> str:
    """`claude-haiku-4-5` is shown as `Claude Haiku 4.5`, `claude-haiku-4-5:reasoning` as `Claude Haiku 4.5 (reasoning)`."""
    model, mode = split_mode(name)
    words = _VERSION.sub(".", _WORDS.sub(" ", model))
    shown = " ".join(word.upper() if word == "gpt" else word[:1].upper() + word[1:] for word in words.split())
    return f"{shown} ({mode})" if mode else shown


def _limit(asked: str | None) -> int:
    if asked is None:
        return DEFAULT_LIMIT
    if not re.fullmatch("[0-9]{1,4}", asked) or not 1 <= int(asked) <= MAX_LIMIT:
        raise InvalidRequest(
            f"limit: must be a whole number from 1 to {MAX_LIMIT}.", param="limit", code="invalid_value"
        )
    return int(asked)


def _place(names: Sequence[str], param: str, name: str) -> int:
    if name not in names:
        raise InvalidRequest(f"{param}: there is no model `{name}`.", param=param, code="invalid_value")
    return names.index(name)
