"""Work that ends when its client leaves. Without this, a handler learns of it only when it next writes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from api.errors import ClientDisconnected

T = TypeVar("T")


async def unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The work's result. The request's body must have been read, so that the next message can only be the disconnect.

    The work is done within the caller's own task, which is cancelled when the client leaves, as `asyncio.timeout` does when
    time is up: a task of its own for each request would cost as much again as the watch.

    Raises:
        ClientDisconnected: the client left first; the work has been cancelled and has cleaned up.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine is run by a task
    watch = _Watch(task)
    watcher = asyncio.create_task(watch.run(request.receive))
    asked_before = task.cancelling()
    try:
        return await work
    except asyncio.CancelledError:
        if watch.left and task.uncancel() <= asked_before:
            raise ClientDisconnected from None
        raise
    finally:
        watcher.cancel()


class _Watch:
    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self.left = False

    async def run(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self._task.cancel()
