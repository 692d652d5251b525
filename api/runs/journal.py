"""The events of one run, numbered from 0: the last of them, as many as make so many bytes."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from api.errors import RunEventsGone

_END = b"\n\n"


class Journal:
    """`kept` is told how many bytes more, or fewer, are held."""

    def __init__(self, kept: Callable[[int], None]) -> None:
        self._kept = kept
        self._events: deque[bytes] = deque()
        self.bytes = 0
        self.first = 0
        """The number of the oldest event that is still there."""

    @property
    def next(self) -> int:
        """The number of the event to come."""
        return self.first + len(self._events)

    def add(self, event: bytes) -> None:
        """The event, told with its number."""
        told = numbered(event, self.next)
        self._events.append(told)
        self._grow(len(told))

    def drop_oldest(self) -> None:
        """Makes room."""
        self._grow(-len(self._events.popleft()))
        self.first += 1

    def clear(self) -> None:
        """Lets go of all of them."""
        self.first = self.next
        self._events.clear()
        self._grow(-self.bytes)

    def since(self, number: int) -> list[bytes]:
        """The events from this number on.

        Raises:
            RunEventsGone: some of them are no longer there.
        """
        if number < self.first:
            raise RunEventsGone(
                f"The run's events before number {self.first} are no longer kept: start after {self.first - 1} or later.",
                param="starting_after",
            )
        return list(islice(self._events, number - self.first, None))

    def _grow(self, by: int) -> None:
        self.bytes += by
        self._kept(by)


def split(block: bytes) -> Iterator[bytes]:
    """The events of what came together."""
    for event in block.split(_END):
        if event:
            yield event + _END


def numbered(event: bytes, number: int) -> bytes:
    """The event with its number, by which readers of server-sent events say how far they came."""
    return b"id: %d\n%b" % (number, event)
