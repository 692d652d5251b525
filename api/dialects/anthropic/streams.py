"""How a stream of Anthropic's ends: with `message_stop`, or with an error event. LiteLLM's own errors come in OpenAI's form."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import to_json

from api.dialects.anthropic.errors import status_of
from api.errors import UpstreamStreamBroken
from api.sse import payloads

PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
_END: Final = b'"message_stop"'
_ERROR: Final = b'"error"'


def blocks_of(events: bytes) -> Iterator[bytes]:
    """One event at a time, each with the blank line that ends it."""
    return (block + b"\n\n" for block in events.removesuffix(b"\n\n").split(b"\n\n") if events)


def ends_with_stop(events: bytes) -> bool:
    """Is this the end that means success?"""
    last = events.rstrip().rpartition(b"\n\n")[2]
    return _END in last and _payload(last).get("type") == "message_stop"


def split_at_error(events: bytes) -> tuple[bytes, bytes | None]:
    """The events before the first error event, and what that one says, as `{"error": ...}` with the status as its `code`."""
    if _ERROR not in events:
        return events, None
    before = 0
    for block in blocks_of(events):
        if _ERROR in block and (error := _error(_payload(block))) is not None:
            return events[:before], to_json({"error": error})
        before += len(block)
    return events, None


def _error(payload: dict[str, Any]) -> dict[str, Any] | None:
    """What the event says of a failure, if that is what it is: in a text the word stands inside of other fields."""
    error = payload.get("error")
    if payload.get("type", "error") != "error" or error is None:
        return None
    error = error if isinstance(error, dict) else {"message": str(error)}
    return {"code": status_of(error.get("type")), **error}


def _payload(block: bytes) -> dict[str, Any]:
    """The object that an event carries; an empty one where it carries none: whoever hands the events on will say so."""
    try:
        return next(payloads(block), {})
    except UpstreamStreamBroken:
        return {}
