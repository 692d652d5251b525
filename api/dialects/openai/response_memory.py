"""What our reasoning items carry for the request in which they come back, since this server keeps nothing of a conversation.

A client that stores nothing asks for `reasoning.encrypted_content` and sends it back as it is. Ours is what the tools have found
since the item before, after a mark, in base64: nothing that the client could not see anyway.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import from_json, to_json

from api.dialects.openai.history import OUR_SIGNATURE, unmarked

Found = dict[str, Any]
"""`tool`, `arguments`, `ok` and `result` of one call."""

_SUMMARIES: Final = ("summary", "content")


def carried(found: Sequence[Found]) -> str:
    """The `encrypted_content` that says this."""
    return OUR_SIGNATURE + base64.urlsafe_b64encode(to_json(found)).decode()


def found_before(item: Mapping[str, Any]) -> list[Found]:
    """What the tools found before this item; nothing if it does not say, or says what cannot be read."""
    told = item.get("encrypted_content")
    if not isinstance(told, str) or not told.startswith(OUR_SIGNATURE):
        return []
    try:
        found = from_json(base64.urlsafe_b64decode(told.removeprefix(OUR_SIGNATURE)))
    except (ValueError, binascii.Error):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def thought_of(item: Mapping[str, Any]) -> str:
    """What it says for a person to read, its summary, or where that was left out its text."""
    for field in _SUMMARIES:
        parts = item.get(field)
        texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        if said := "\n".join(unmarked(text) for text in texts if isinstance(text, str)):
            return said
    return ""
