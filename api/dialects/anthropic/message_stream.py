"""What holds of the events of a message as a whole: handed on as they came, up to its end, with a true count in its first."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from api.dialects.anthropic.errors import error_event
from api.dialects.anthropic.streams import PING, blocks_of
from api.errors import APIError, UpstreamStreamBroken
from api.sse import event, payloads

_START: Final = b'"message_start"'
_END: Final = b'"message_stop"'
_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")

Told = Callable[[Mapping[str, Any]], None]


class MessageStream:
    """Takes events and gives them on as bytes.

    `input_tokens` stands in the first event where LiteLLM, which translates another provider's stream, knows no number yet: clients
    show from it how full the context is. `tell` hears every event, for whoever records them; without it, most are not parsed.
    """

    keepalive: Final = PING
    closing: Final = b""

    def __init__(self, tell: Told | None = None, input_tokens: int = 0) -> None:
        self.input_tokens = input_tokens
        self._tell = tell
        self._started = self._ended = False

    @staticmethod
    def needs_a_count(events: bytes) -> bool:
        """Does a message begin here that says nothing of what was read for it?"""
        usages = (_usage(started) for started in _of_type("message_start", events))
        return any(usage is not None and not _is_counted(usage) for usage in usages)

    def take(self, events: bytes) -> Iterator[bytes]:
        """The events that these bytes carry.

        Raises:
            UpstreamStreamBroken: one carries something else than an object.
        """
        if self._ended:
            return
        if _START in events:
            events = b"".join(map(self._begun, blocks_of(events)))
        if _END in events:
            events = self._up_to_the_end(events)
        if self._tell is not None:
            for happened in payloads(events):
                self._tell(happened)
        yield events

    def end(self) -> bytes:
        """Nothing is held back.

        Raises:
            UpstreamStreamBroken: no event has ended the message.
        """
        if not self._ended:
            raise UpstreamStreamBroken("The answer ended before it was complete.")
        return b""

    def error_event(self, error: APIError) -> bytes:
        """The event that the stream ends with when it fails."""
        return error_event(error)

    def _begun(self, block: bytes) -> bytes:
        started = next(_of_type("message_start", block), None)
        if started is None:
            return block
        if self._started:
            return b""  # LiteLLM has been seen to begin a translated message twice
        self._started = True
        usage = _usage(started)
        if usage is None or not self.input_tokens or _is_counted(usage):
            return block
        usage["input_tokens"] = self.input_tokens
        return event(started, name="message_start")

    def _up_to_the_end(self, events: bytes) -> bytes:
        kept: list[bytes] = []
        for block in blocks_of(events):
            kept.append(block)
            if any(_of_type("message_stop", block)):
                self._ended = True
                break
        return b"".join(kept)


def _of_type(name: str, events: bytes) -> Iterator[dict[str, Any]]:
    """The events of this type. In a text the name would stand between quotes of another kind, so most are not parsed."""
    quoted = f'"{name}"'.encode()
    for block in blocks_of(events):
        if quoted in block:
            yield from (payload for payload in payloads(block) if payload.get("type") == name)


def _usage(started: Mapping[str, Any]) -> dict[str, Any] | None:
    message = started.get("message")
    usage = message.get("usage") if isinstance(message, dict) else None
    return usage if isinstance(usage, dict) else None


def _is_counted(usage: Mapping[str, Any]) -> bool:
    return any(usage.get(name) for name in _INPUT)
