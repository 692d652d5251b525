"""The workers of a running API: which there are, and a client of each."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil

from tests.support.api import RunningAPI

PATIENCE = 60.0  # seconds, on a machine that has much else to do


def until(seen: Callable[[], bool], what: str) -> None:
    """Returns as soon as it is seen."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, f"{what} was not seen within {PATIENCE:g} s"
        time.sleep(0.02)


def workers(api: RunningAPI) -> dict[int, psutil.Process]:
    """By process id, those that serve already."""
    children = psutil.Process(api.process.pid).children()
    return {child.pid: child for child in children if _listens(child)}


@contextmanager
def client_of_each(api: RunningAPI, wanted: int) -> Iterator[dict[int, httpx.Client]]:
    """One whose kept connection each worker holds, by the worker's process id."""
    until(lambda: len(workers(api)) == wanted, f"{wanted} workers")
    with ExitStack() as resources:
        clients = {}
        for pid in (all_workers := workers(api)):
            client = httpx.Client(base_url=api.url, headers=api.headers, trust_env=False, timeout=PATIENCE)
            clients[pid] = resources.enter_context(client)
            with _held([worker for other, worker in all_workers.items() if other != pid]):
                client.get("/health").raise_for_status()
        yield clients


def is_gone(process: psutil.Process) -> bool:
    """It has ended, whether or not anybody has asked how."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def _held(processes: list[psutil.Process]) -> Iterator[None]:
    """They do nothing for as long as the block lasts."""
    try:
        for process in processes:
            process.suspend()
        until(lambda: all(process.status() == psutil.STATUS_STOPPED for process in processes), "a stopped process")
        yield
    finally:
        for process in processes:
            process.resume()


def _listens(process: psutil.Process) -> bool:
    try:
        return any(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp"))
    except psutil.Error:
        return False
