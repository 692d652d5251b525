"""All runs of one process, within bounds. Whoever would keep them elsewhere, for several processes, replaces this class."""

import asyncio
from dataclasses import dataclass
from secrets import token_urlsafe
from types import TracebackType
from typing import Final, Self

from api.context import Caller
from api.errors import RunNotFound, TooManyRuns
from api.runs.run import Failed, Run, RunSource
from api.telemetry import Metrics

RETRY_AFTER: Final = "5"  # seconds
_ID_BYTES: Final = 24
_KEPT: Final = "Runs are kept for a while after their end (RESUMABLE_KEEP_SECONDS), and none survives the server's own."
_ELSEWHERE: Final = (
    " This server has several processes (WORKERS), each of which knows its own runs: ask again over a new connection."
)
_TOO_MANY: Final = (
    "As many resumable runs go on as this server takes on, for a caller or in all (RESUMABLE_MAX_RUNS_PER_CALLER, "
    "RESUMABLE_MAX_RUNS): cancel one, or wait for its end."
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`runs` in all and `runs_of_a_caller`, those that have ended and are kept included; bytes of one and of all;
    `keep_seconds` after the end of one."""

    runs: int = 200
    runs_of_a_caller: int = 100
    bytes_of_a_run: int = 1024 * 1024
    bytes: int = 64 * 1024 * 1024
    keep_seconds: float = 600.0


class Runs:
    """To be closed, which ends those that still go on. `several` is whether there are other processes that know other runs."""

    def __init__(
        self,
        bounds: Bounds,
        metrics: Metrics,
        *,
        several: bool = False,
    ) -> None:
        self._bounds, self._metrics, self._several = bounds, metrics, several
        self._runs: dict[str, Run] = {}
        self._ended: dict[str, asyncio.TimerHandle] = {}
        """The names of those that have ended, the oldest first → what will forget them."""
        self._places: list[str] = []
        """The callers of those that are about to begin."""
        self.bytes = 0

    def place(self, caller: Caller) -> "Place":
        """Room for one more, to be had before anything is spent on it; older ones that have ended make way.

        Raises:
            TooManyRuns: as many go on as may.
        """
        bounds, own = self._bounds, [run.name for run in self._runs.values() if run.owner == caller.id]
        if len(own) + self._places.count(caller.id) >= bounds.runs_of_a_caller:
            self._forget_one_of(own)
        if len(self._runs) + len(self._places) >= bounds.runs:
            self._forget_one_of(list(self._runs))
        self._places.append(caller.id)
        return Place(self, caller)

    def find(self, name: str, caller: Caller) -> Run:
        """The caller's run of this name.

        Raises:
            RunNotFound: there is none, or it is another caller's, which is told in the same words.
        """
        run = self._runs.get(name)
        if run is None or run.owner != caller.id:
            where = _ELSEWHERE if self._several else ""
            raise RunNotFound(f"There is no run '{name}' of yours here. {_KEPT}{where}", param="run_id")
        return run

    def telling(self, response_id: str, caller: Caller) -> Run | None:
        """The caller's run that tells this response, if there is one."""
        own = (run for run in self._runs.values() if run.owner == caller.id)
        return next((run for run in own if run.response == response_id), None)

    async def forget(self, run: Run) -> None:
        """Ends it if it goes on, and keeps nothing of it."""
        await run.cancel()
        self._drop(run.name)

    async def close(self) -> None:
        """Ends all of them."""
        await asyncio.gather(*(self.forget(run) for run in list(self._runs.values())))

    def begin(self, caller: Caller, source: RunSource, failed: Failed) -> Run:
        """A run of this source; its `Place` calls this."""
        name = f"run_{token_urlsafe(_ID_BYTES)}"
        run = self._runs[name] = Run(name, caller.id, source, failed, self._hold, self._is_full)
        self._metrics.run_began()
        run.begin(self._has_ended)
        return run

    def free(self, caller: Caller) -> None:
        """A place is not needed any more."""
        self._places.remove(caller.id)

    def _has_ended(self, run: Run) -> None:
        self._metrics.run_ended()
        if run.name in self._runs:
            later = asyncio.get_running_loop().call_later
            self._ended[run.name] = later(self._bounds.keep_seconds, self._drop, run.name)

    def _hold(self, more: int) -> None:
        self.bytes += more
        self._metrics.run_bytes(more)

    def _is_full(self, run: Run) -> bool:
        while self.bytes >= self._bounds.bytes and self._ended:
            self._drop(next(iter(self._ended)))
        return run.journal.bytes >= self._bounds.bytes_of_a_run or self.bytes >= self._bounds.bytes

    def _forget_one_of(self, names: list[str]) -> None:
        ended = next((name for name in self._ended if name in names), None)
        if ended is None:
            raise TooManyRuns(_TOO_MANY, headers={"retry-after": RETRY_AFTER})
        self._drop(ended)

    def _drop(self, name: str) -> None:
        if (timer := self._ended.pop(name, None)) is not None:
            timer.cancel()
        if (run := self._runs.pop(name, None)) is not None:
            run.release()


class Place:
    """Room for one run, given back with the block that it is entered for unless the run has begun."""

    def __init__(self, runs: Runs, caller: Caller) -> None:
        self._runs, self._caller = runs, caller

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runs.free(self._caller)

    def begin(self, source: RunSource, failed: Failed) -> Run:
        """Begins it."""
        return self._runs.begin(self._caller, source, failed)
