"""Finding and ending the stack's own processes, by what only they carry.

Everything that is started has the instance's state folder in its environment, and its children inherit it. PostgreSQL's
children overwrite theirs to show what they are doing; they are known by their working folder, the database's.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from local_stack.instance import SERVICE_MARKER, STATE_MARKER

POLL_SECONDS = 0.05


def environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def is_postgres_in(process: psutil.Process, data: Path) -> bool:
    """By command line where the system shows no more of a process: the first server process has the folder there."""
    try:
        if process.name() != "postgres":
            return False
        command = process.cmdline()
        return str(data) in command or process.cwd() == str(data)
    except (psutil.Error, OSError):
        return False


def own(state: Path) -> list[psutil.Process]:
    """Every live process of the instance, whoever its parent is by now; never this process or one it stems from."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in spared and belongs_to(process, state)]


def belongs_to(process: psutil.Process, state: Path) -> bool:
    if is_gone(process):
        return False
    return environment_of(process).get(STATE_MARKER) == str(state) or is_postgres_in(process, state / "postgres")


def is_gone(process: psutil.Process) -> bool:
    """Ended, though its parent may not have taken notice: in a container, often nobody ever does."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def orphans(state: Path, supervisor: int | None) -> list[psutil.Process]:
    """The instance's processes that the running supervisord, if there is one, did not start."""
    supervised = set()
    if supervisor is not None and psutil.pid_exists(supervisor):
        parent = psutil.Process(supervisor)
        supervised = {supervisor, *(child.pid for child in parent.children(recursive=True))}
    return [process for process in own(state) if process.pid not in supervised]


def leftovers(state: Path, service: str) -> list[psutil.Process]:
    """What an earlier run of one service left behind, such as LiteLLM's query engine after LiteLLM was killed."""
    if service == "postgres":
        return [process for process in own(state) if is_postgres_in(process, state / "postgres")]
    return [process for process in own(state) if environment_of(process).get(SERVICE_MARKER) == service]


def describe_all(found: Iterable[psutil.Process]) -> str:
    """Names those that lead; their children would only repeat them."""
    pids = {process.pid: process for process in found}
    return ", ".join(describe(process) for process in pids.values() if _parent(process) not in pids)


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.Error:
        return None


def describe(process: psutil.Process) -> str:
    service = environment_of(process).get(SERVICE_MARKER, "")
    try:
        name = process.name()
    except psutil.Error:
        name = "process"
    return f"{service or name} (pid {process.pid})"


def end(processes: Iterable[psutil.Process], patience: float = 10) -> None:
    """Asks, waits, then kills. PostgreSQL shuts down at once on SIGINT, where SIGTERM waits for its clients."""
    remaining = list(processes)
    for process in remaining:
        polite = signal.SIGINT if _name(process) == "postgres" else signal.SIGTERM
        _send(process, polite)
    for process in _wait(remaining, patience):
        _send(process, signal.SIGKILL)
    _wait(remaining, patience)


def wait(pid: int, seconds: float) -> None:
    """Returns when the process has ended, or the time is over."""
    if psutil.pid_exists(pid):
        _wait([psutil.Process(pid)], seconds)


def _wait(ending: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still live when the time is over."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in ending if not is_gone(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return alive


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
