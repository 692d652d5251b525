"""Work that ends when its client leaves. Without this, a handler learns of it only when it next writes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from api.edge.incoming import incoming_of
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
    asked_before = task.cancelling()
    watch.begin(request)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.left and task.uncancel() <= asked_before:
            raise ClientDisconnected from None
        raise
    finally:
        watch.end()


class _Watch:
    """Is told by our server; any other is asked, by a task that waits for its answer."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._asking: asyncio.Task[None] | None = None
        self.left = False

    def begin(self, request: Request) -> None:
        self._incoming = incoming_of(request.scope)
        if self._incoming is None:
            self._asking = asyncio.create_task(self._ask(request.receive))
            return
        self._incoming.tell = self._leave
        if self._incoming.has_left:
            self._leave()

    def end(self) -> None:
        if self._incoming is not None:
            self._incoming.tell = None
        if self._asking is not None:
            self._asking.cancel()

    def _leave(self) -> None:
        self.left = True
        self._task.cancel()

    async def _ask(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()
