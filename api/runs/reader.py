"""A client's view of a run."""

from collections.abc import AsyncGenerator, Mapping

from api.runs.run import Run, Status

RUN_ID_HEADER = "x-reasoning-run-id"


class RunReader:
    """The events of a run from a number on, then those to come, to its end. That the reader leaves is nothing to the run.

    Raises:
        RunEventsGone: the events from this number on are no longer all there.
    """

    keepalive = None

    def __init__(self, run: Run, first: int = 0) -> None:
        run.journal.since(first)
        self._run, self._next = run, first
        run.read_to(self, first)

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the answer, and by what it is found again."""
        return {**self._run.source.headers, RUN_ID_HEADER: self._run.name}

    async def events(self) -> AsyncGenerator[bytes, None]:
        """One event or more at a time."""
        journal = self._run.journal
        while True:
            ended = self._run.status is not Status.IN_PROGRESS
            if self._next < journal.next:
                events = journal.since(self._next)
                yield b"".join(events)
                self._next += len(events)
                self._run.read_to(self, self._next)
            elif ended:
                return
            else:
                await self._run.changes()

    async def aclose(self) -> None:
        self._run.leave(self)
