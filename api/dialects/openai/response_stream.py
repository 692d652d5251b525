"""What holds of the events of a response as a whole: numbers in a row, one response, nothing after its end."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from api.dialects.openai.contract import response_event
from api.dialects.openai.failures import raise_if_nothing_answered
from api.dialects.openai.streams import before_failure, response_error_event
from api.errors import APIError, UpstreamStreamBroken
from api.sse import event

Event = dict[str, Any]

_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_OF_THE_RESPONSE: Final = ("id", "created_at")


class ResponseStream:
    """Takes events and gives them on, restored and numbered. `in_callers_words` is what becomes of an error's message, `told` is
    shown each response that an event carries, when all else has been done to it."""

    def __init__(
        self,
        in_callers_words: Callable[[str], str],
        *,
        own_fields: bool = False,
        told: Callable[[Event], None] = lambda _response: None,
    ) -> None:
        self._told = told
        self._in_callers_words = in_callers_words
        self._own_fields = own_fields
        self._response: Event = {}
        self._latest: Event | None = None
        self._ended = False
        self.next_number = 0

    def take(self, events: bytes) -> Iterator[list[Event]]:
        """The events that these bytes carry; those before a failure first, then the failure.

        Raises:
            NothingAnswered: the response is complete, but says nothing.
            UpstreamStreamBroken: one carries something else.
        """
        return before_failure(self._taken, events)

    def end(self) -> list[Event]:
        """Nothing is held back.

        Raises:
            UpstreamStreamBroken: no event has ended the response.
        """
        if not self._ended:
            raise UpstreamStreamBroken("The answer ended before it was complete.")
        return []

    def in_progress(self) -> Event | None:
        """An event that says again that the work goes on, numbered, so to be sent; None where there is nothing to say yet."""
        if self._latest is None or self._ended:
            return None
        self.next_number += 1
        told = {**self._latest, "status": "in_progress"}
        return {"type": "response.in_progress", "response": told, "sequence_number": self.next_number - 1}

    def _taken(self, happened: Event) -> Event | None:
        if self._ended:
            return None
        response_event(happened, own_fields=self._own_fields)
        if isinstance(response := happened.get("response"), dict):
            self._pin(response)
            self._latest = response
            self._tell(response.get("error"))
            self._told(response)
        kind = happened.get("type")
        if kind == "response.completed":
            raise_if_nothing_answered(response)
        if kind == "error":
            self._tell(happened)
        self._ended = kind in _ENDS
        happened["sequence_number"] = self.next_number
        self.next_number += 1
        return happened

    def _pin(self, response: Event) -> None:
        """A response keeps the id and the time that it began with."""
        for name in _OF_THE_RESPONSE:
            if response.get(name) is not None:
                response[name] = self._response.setdefault(name, response[name])

    def _tell(self, error: Any) -> None:
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            error["message"] = self._in_callers_words(error["message"])


class WrittenResponse:
    """A reader of a response's stream that gives bytes. `seen` is shown each event."""

    closing: Final = b""

    def __init__(self, events: ResponseStream, seen: Callable[[Event], None]) -> None:
        self._events = events
        self._seen = seen

    @property
    def keepalive(self) -> bytes | None:
        """An event, since clients such as Codex take a stream without one for dead, whatever its comments. It takes its number when
        it is read: then it has to be sent."""
        told = self._events.in_progress()
        return None if told is None else event(told, name=told["type"])

    def take(self, events: bytes) -> Iterator[bytes]:
        """As `ResponseStream.take`."""
        return map(self._written, self._events.take(events))

    def end(self) -> bytes:
        """As `ResponseStream.end`."""
        return self._written(self._events.end())

    def error_event(self, error: APIError) -> bytes:
        """The event that the stream ends with when it fails: numbered, as all of its events are."""
        return response_error_event(error, self._events.next_number)

    def _written(self, events: list[Event]) -> bytes:
        for happened in events:
            self._seen(happened)
        return b"".join(event(happened, name=str(happened.get("type", "message"))) for happened in events)
