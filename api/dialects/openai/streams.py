"""How OpenAI's streams end: with `[DONE]`, with an error event, or, the Responses API's, with a named one."""

from collections.abc import Callable, Iterator
from typing import Any

from api.dialects.openai.errors import error_body
from api.errors import APIError
from api.sse import event, payloads

DONE = b"data: [DONE]\n\n"
# Inside a JSON string these quotes would be escaped, so no model output can look like it.
_ERROR = b'{"error"'
_ERROR_STARTS = (b'data: {"error"', b'data:{"error"')


def split_at_error(events: bytes) -> tuple[bytes, bytes | None]:
    """The events before the first error event, and that event's JSON, if there is one."""
    if _ERROR not in events:
        return events, None
    for start in _ERROR_STARTS:
        position = events.find(start)
        if position == 0 or (position > 0 and events[position - 1 : position] == b"\n"):
            event = events[position:].partition(b"\n\n")[0]
            return events[:position], event.partition(b":")[2].strip()
    return events, None


def before_failure(
    take: Callable[[dict[str, Any]], dict[str, Any] | None], events: bytes
) -> Iterator[list[dict[str, Any]]]:
    """What `take` makes of these events' objects, less what it makes nothing of; if one fails, those before it come first."""
    taken: list[dict[str, Any]] = []
    try:
        # One by one, so that what was taken before a failure is there.
        taken.extend(made for payload in payloads(events) if (made := take(payload)) is not None)
    except APIError:
        yield taken
        raise
    yield taken


def ends_with_done(events: bytes) -> bool:
    """Is this the end that means success?"""
    return events.rstrip().endswith(b"data: [DONE]")


def error_event(error: APIError) -> bytes:
    """The event that a chat or a text completion ends with when it fails."""
    return event({"error": error_body(error)})


def response_error_event(error: APIError, sequence_number: int) -> bytes:
    """The event that a response's stream ends with when it fails: named and numbered as all of its events are."""
    body = error_body(error)
    told = {"type": "error", "code": body["code"], "message": body["message"], "param": body["param"]}
    return event({**told, "sequence_number": sequence_number}, name="error")
