"""What comes back of a call: whole, or event by event."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic_core import from_json

from api.errors import UpstreamStreamBroken
from api.llm.call_under_way import CallUnderWay
from api.llm.endpoints import Endpoint
from api.llm.upstream_errors import error_of_event
from api.sse import EventFramer


@dataclass(slots=True)
class LLMAnswer:
    """A complete answer: its bytes as LiteLLM sent them, and the headers that a caller may see."""

    content: bytes
    headers: dict[str, str]
    _parsed: list[Any] = field(default_factory=list, repr=False, compare=False)

    def json(self) -> Any:
        """The parsed body: parsed once, so the same object whoever asks.

        Raises:
            UpstreamStreamBroken: it is no JSON.
        """
        try:
            if not self._parsed:
                self._parsed.append(from_json(self.content))
        except ValueError:
            raise UpstreamStreamBroken("LiteLLM's answer is not JSON.") from None
        return self._parsed[0]


T = TypeVar("T", covariant=True)


class Reader(Protocol[T]):
    """What makes something of the events of one stream."""

    def take(self, events: bytes) -> Iterator[T]: ...
    def end(self) -> T: ...


class LLMStream:
    """The events of a streamed answer. The call and its span end with the last event, a failure or `aclose()`.

    `first` are the events that came first.
    """

    def __init__(
        self,
        first: bytes,
        rest: AsyncIterator[bytes],
        headers: dict[str, str],
        under_way: CallUnderWay,
    ) -> None:
        self.headers = headers
        self.first = first
        self._rest = rest
        self._under_way = under_way

    async def events(self) -> AsyncGenerator[bytes, None]:
        """One or more whole events at a time, as LiteLLM sent them, `[DONE]` last. To be read once.

        Raises:
            UpstreamError: the provider failed in mid-stream.
            UpstreamStreamBroken: the answer ended before `[DONE]`.
        """
        async with self._under_way:
            yield self.first
            async for events in self._rest:
                yield events

    async def read(self, reader: Reader[T]) -> AsyncGenerator[T, None]:
        """What the reader makes of the events: as much at a time as came together. To be read once, in place of `events`.

        Raises:
            APIError: as `events` does, or because of what the reader found, which is then the call's failure too.
        """
        async with self._under_way:
            for made in reader.take(self.first):
                yield made
            async for events in self._rest:
                for made in reader.take(events):
                    yield made
            yield reader.end()

    async def aclose(self) -> None:
        """Cancels the call if it is still under way."""
        await self._under_way.end()


async def whole_answer(
    reads: AsyncIterable[bytes], endpoint: Endpoint, observers: Sequence[Callable[[bytes], None]] = ()
) -> AsyncIterator[bytes]:
    """The events up to the one that means success, each shown to the observers first; an error event, or an end before it, is
    raised."""
    events, framer, split_at_error = b"", EventFramer(), endpoint.split_at_error
    async for read in reads:
        events, error = split_at_error(framer.whole(read))
        if events:
            for observer in observers:
                observer(events)
            yield events
        if error is not None:
            raise error_of_event(error)
    if not endpoint.is_complete(events):
        raise UpstreamStreamBroken("The answer ended before it was complete.")
