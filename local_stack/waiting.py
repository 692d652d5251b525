"""Waiting until services are well, and saying what went wrong when one does not get there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_stack import console
from local_stack.instance import Instance
from local_stack.services import Service
from local_stack.supervision import ALIVE, Supervisor

LOG_TAIL_LINES = 20
PAUSE_SECONDS = 0.2
# A service that lives a moment and dies again is restarted for ever: after so many lives it counts as failed.
MOST_LIVES = 3
NEWS_SECONDS = 15
# A service that ran before and is not well, such as one whose database was long gone, gets this long to recover.
RECOVERY_SECONDS = 12.0


class ServiceFailedError(Exception):
    """A service did not become healthy; the message names it, shows the end of its log and says where the log is."""

    def __init__(self, instance: Instance, service: Service, reason: str) -> None:
        log = instance.log(service.name)
        super().__init__(f"{service.label} ({service.name}) {reason}\n{tail(log)}\nThe whole log: {log}")


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    try:
        return "\n".join(f"  | {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "  | (it has written nothing)"


class Watch:
    """One service on its way to health."""

    def __init__(self, instance: Instance, service: Service, supervisor: Supervisor, given_up: threading.Event) -> None:
        self.instance, self.service, self.supervisor, self.given_up = instance, service, supervisor, given_up
        self.lives: set[int] = set()
        state = supervisor.state(service.name)
        self.may_be_stuck = state["statename"] == "RUNNING" and state["now"] - state["start"] > service.patience

    def until_healthy(self) -> None:
        """Returns early when another watch has given up. Raises ServiceFailedError."""
        started = told = time.monotonic()
        while not self.given_up.is_set():
            self._still_alive()
            complaint = self.service.check()
            now = time.monotonic()
            if not complaint:
                console.good(f"{self.service.label} ready in {now - started:.1f} s")
                return
            if now - started > self.service.patience:
                self._fail(f"was not ready after {self.service.patience:.0f} s: {complaint}")
            if now - told > NEWS_SECONDS:
                told = now
                console.say(f"  ... {self.service.label} is still starting ({now - started:.0f} s)")
            if self.may_be_stuck and now - started > RECOVERY_SECONDS:
                self._start_anew(complaint)
            self.given_up.wait(PAUSE_SECONDS)

    def _start_anew(self, complaint: str) -> None:
        console.say(f"  ... {self.service.label} has run for long but is not well, so it is started anew: {complaint}")
        self.supervisor.stop(self.service.name)
        self.supervisor.start(self.service.name)
        self.may_be_stuck = False

    def _still_alive(self) -> None:
        state = self.supervisor.state(self.service.name)
        if state["statename"] not in ALIVE:
            self._fail(f"does not run: {state['statename']} {state['spawnerr']}".rstrip())
        if state["pid"]:
            self.lives.add(state["pid"])
        if len(self.lives) > MOST_LIVES:
            self._fail(f"crashed {MOST_LIVES} times in a row")

    def _fail(self, reason: str) -> None:
        raise ServiceFailedError(self.instance, self.service, reason)


def until_healthy(instance: Instance, services: Iterable[Service], supervisor: Supervisor) -> None:
    """Waits for all of them side by side; the first failure ends the wait. Raises ServiceFailedError."""
    given_up = threading.Event()

    def watch(service: Service) -> None:
        try:
            Watch(instance, service, supervisor, given_up).until_healthy()
        except BaseException:
            given_up.set()
            raise

    chosen = list(services)
    with ThreadPoolExecutor(max_workers=max(1, len(chosen))) as pool:
        futures = [pool.submit(watch, service) for service in chosen]
        try:
            errors = [error for future in futures if (error := future.exception()) is not None]
        except BaseException:
            given_up.set()
            raise
    if errors:
        raise errors[0]
