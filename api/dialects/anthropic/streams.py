"""How a stream of Anthropic's ends: with `message_stop`, or with an error event. LiteLLM's own errors come in OpenAI's form."""

from typing import Any, Final

from pydantic_core import from_json, to_json

from api.dialects.anthropic.errors import status_of

PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
_END: Final = b'"message_stop"'
_ERROR: Final = b'"error"'


def ends_with_stop(events: bytes) -> bool:
    """Is this the end that means success?"""
    last = events.rstrip().rpartition(b"\n\n")[2]
    return _END in last and _payload(last).get("type") == "message_stop"


def split_at_error(events: bytes) -> tuple[bytes, bytes | None]:
    """The events before the first error event, and what that one says, as `{"error": ...}` with the status as its `code`."""
    if _ERROR not in events:
        return events, None
    start = 0
    while start < len(events):
        end = events.find(b"\n\n", start)
        end = len(events) if end < 0 else end + 2
        block = events[start:end]
        if _ERROR in block and (error := _error(_payload(block))) is not None:
            return events[:start], to_json({"error": error})
        start = end
    return events, None


def _error(payload: dict[str, Any]) -> dict[str, Any] | None:
    """What the event says of a failure, if that is what it is: in a text the word stands inside of other fields."""
    error = payload.get("error")
    if payload.get("type", "error") != "error" or error is None:
        return None
    error = error if isinstance(error, dict) else {"message": str(error)}
    return {"code": status_of(error.get("type")), **error}


def _payload(block: bytes) -> dict[str, Any]:
    """The object that an event carries; an empty one where it carries none."""
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            try:
                payload = from_json(line[5:].strip())
            except ValueError:
                return {}
            return payload if isinstance(payload, dict) else {}
    return {}
