"""Work on a request ends with its client, whoever says that it has left; and what was answered leaves nothing behind."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from api.edge import unless_disconnected
from api.edge.answering import Answering
from api.edge.incoming import expect, incoming_of
from api.errors import ClientDisconnected
from api.telemetry import RequestObserverMiddleware


def _request(*, ours: bool, left: asyncio.Event) -> Request:
    """One whose client leaves when the event is set; `ours` if the server says so by itself."""
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "headers": [],
        "state": {},
    }

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    if ours:
        expect(scope)
    return Request(scope, receive)


async def _leave(request: Request, left: asyncio.Event) -> None:
    left.set()
    if (incoming := incoming_of(request.scope)) is not None:
        incoming.left()


@pytest.mark.parametrize("ours", [True, False])
async def test_work_is_cancelled_when_its_client_leaves(ours: bool) -> None:
    left, cancelled = asyncio.Event(), False
    request = _request(ours=ours, left=left)

    async def work() -> None:
        nonlocal cancelled
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(_leave(request, left)))
        try:
            await asyncio.Event().wait()
        finally:
            cancelled = True

    with pytest.raises(ClientDisconnected):
        await unless_disconnected(request, work())
    assert cancelled


@pytest.mark.parametrize("ours", [True, False])
async def test_a_client_that_has_left_already_is_not_worked_for(ours: bool) -> None:
    left = asyncio.Event()
    request = _request(ours=ours, left=left)
    await _leave(request, left)
    with pytest.raises(ClientDisconnected):
        await unless_disconnected(request, asyncio.sleep(60))


@pytest.mark.parametrize("ours", [True, False])
async def test_who_leaves_after_the_answer_disturbs_nobody(ours: bool) -> None:
    left = asyncio.Event()
    request = _request(ours=ours, left=left)

    async def answer() -> int:
        return 1

    assert await unless_disconnected(request, answer()) == 1
    await _leave(request, left)
    await asyncio.sleep(0)


class _Transport:
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


@contextmanager
def _without_the_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def test_an_answer_that_was_written_needs_no_garbage_collector() -> None:
    transport: Any = _Transport()
    with _without_the_collector():
        close: Any = partial(int)  # which the answering alone knows
        answering = Answering(asyncio.get_running_loop(), transport, close)
        answering.write(b"head")
        answering.write(b"body")
        gone = weakref.ref(close)
        del answering, close
        await asyncio.sleep(0)
        assert gone() is None
    assert transport.written == b"headbody"


async def test_a_request_that_was_answered_needs_no_garbage_collector() -> None:
    class Cycle:
        """As uvicorn's: knows its scope, and is asked to send by a method of its own."""

        def __init__(self, scope: Scope) -> None:
            self.scope = scope

        async def send(self, message: Message) -> None: ...

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with _without_the_collector():
        cycle = Cycle({"type": "http", "method": "GET", "scheme": "http", "path": "/", "headers": [], "state": {}})
        await RequestObserverMiddleware(app)(cycle.scope, receive, cycle.send)
        gone = weakref.ref(cycle)
        del cycle
        assert gone() is None
