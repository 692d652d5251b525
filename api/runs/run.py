"""One run: its source is read by a task of its own, whoever reads along."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Final, Protocol

from api.errors import RunCancelled
from api.runs.journal import Journal, split
from api.sse import payloads


class RunSource(Protocol):
    """Whatever answers event by event; `aclose()` ends what it stands on, the call to LiteLLM included."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    def events(self) -> AsyncGenerator[bytes, None]: ...
    async def aclose(self) -> None: ...


class Status(StrEnum):
    """How far a run is."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_CANCELLED: Final = "The run was cancelled before it was finished."
Failed = Callable[[Exception], bytes]
"""A failure as the last event of the source's format."""


def _response_of(first: bytes) -> str | None:
    """Events of the Responses API begin with the response; those of other APIs hold none."""
    told = next(payloads(first), {}).get("response")
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


class Run:
    """To be begun once. `is_full` says whether no more bytes may be held of it.

    What its readers have yet to read is kept for them: the run waits for those that are slow. Without a reader it goes on, and
    lets go of the oldest events where there is no more room.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        source: RunSource,
        failed: Failed,
        kept: Callable[[int], None],
        is_full: Callable[["Run"], bool],
    ) -> None:
        self.name, self.owner, self.source = name, owner, source
        self.status = Status.IN_PROGRESS
        self.journal = Journal(kept)
        self.response: str | None = None
        """The id of the response that it tells, if it tells one."""
        self.places: dict[object, int] = {}
        """Whoever reads along → the number of the event that it reads next."""
        self._failed, self._is_full = failed, is_full
        self._changed, self._released = asyncio.Event(), False
        self._task: asyncio.Task[None] | None = None

    def begin(self, ended: Callable[["Run"], None]) -> None:
        """Starts to read its source; `ended` is called when that has been closed."""
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda _task: ended(self))

    async def cancel(self) -> None:
        """Ends it, and returns when what it stood on has ended; nothing happens to one that is over."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        if self.status is Status.IN_PROGRESS:
            # It was cancelled before it took its first step, so that nothing has closed what it stands on.
            self._end_with(Status.CANCELLED, RunCancelled(_CANCELLED))
            await self.source.aclose()

    async def changes(self) -> None:
        """Waits for another event, another end or another reader's progress."""
        await self._changed.wait()

    def read_to(self, reader: object, number: int) -> None:
        """The reader has events up to this one."""
        self.places[reader] = number
        self._tell()

    def leave(self, reader: object) -> None:
        """The reader reads no more."""
        self.places.pop(reader, None)
        if self._released and not self.places:
            self.journal.clear()
        self._tell()

    def release(self) -> None:
        """Lets go of its events as soon as nobody reads them any more; nobody new will."""
        self._released = True
        if not self.places:
            self.journal.clear()

    def told(self) -> dict[str, Any]:
        """What there is to say of it; `last_event` is null while there is none."""
        last = self.journal.next - 1
        return {
            "id": self.name,
            "object": "reasoning.run",
            "status": self.status.value,
            "first_event": self.journal.first,
            "last_event": last if last >= 0 else None,
        }

    async def _read(self) -> None:
        # Of a failure the journal keeps the event that tells it, so that every reader is told the same.
        try:
            async with aclosing(self.source.events()) as events:
                async for block in events:
                    for event in split(block):
                        if self.journal.next == 0:
                            self.response = _response_of(event)
                        await self._make_room()
                        self.journal.add(event)
                    self._tell()
            self._end_with(Status.COMPLETED)
        except asyncio.CancelledError:
            self._end_with(Status.CANCELLED, RunCancelled(_CANCELLED))
        except Exception as error:  # noqa: BLE001 - the events are all that is left to say it
            self._end_with(Status.FAILED, error)
        finally:
            await self.source.aclose()

    def _end_with(self, status: Status, error: Exception | None = None) -> None:
        for event in split(self._failed(error)) if error is not None else ():
            self.journal.add(event)
        self.status = status
        self._tell()

    async def _make_room(self) -> None:
        while self.journal.next > self.journal.first and self._is_full(self):
            if min(self.places.values(), default=self.journal.next) > self.journal.first:
                self.journal.drop_oldest()
            else:
                self._tell()
                await self.changes()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
