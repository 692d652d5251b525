"""All bodies under way together have a bound: who comes beyond it is told to come again, and nobody else is disturbed."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.edge.bytes_in_flight import BytesInFlightMiddleware
from api.errors import TooManyBytesInFlight

LIMIT = 100


class Server:
    """Reads a request's body and answers when it is told to; `grown` is the size of the body once it is decompressed."""

    def __init__(self, grown: int = 0) -> None:
        self.may_answer = asyncio.Event()
        self.read = asyncio.Event()
        self._grown = grown
        self.door = BytesInFlightMiddleware(self._answer, LIMIT)

    async def ask(self, *sizes: int) -> None:
        chunks = [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes]
        chunks[-1]["more_body"] = False

        async def receive() -> Message:
            return chunks.pop(0)

        async def send(_message: Message) -> None:
            pass

        await self.door({"type": "http"}, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, _send: Send) -> None:
        message: Any = {"more_body": True}
        while message["more_body"]:
            message = await receive()
        scope["state"]["held"].grow_to(self._grown)
        self.read.set()
        await self.may_answer.wait()


async def test_a_body_beyond_what_others_left_is_refused_while_it_comes() -> None:
    server = Server()
    first = asyncio.create_task(server.ask(60))
    await server.read.wait()
    with pytest.raises(TooManyBytesInFlight) as refused:
        await server.ask(30, 11)
    assert (refused.value.status_code, refused.value.headers["retry-after"]) == (503, "1")
    assert server.door.held == 60
    server.may_answer.set()
    await first
    assert server.door.held == 0
    await server.ask(60, 40)


async def test_a_compressed_body_counts_as_what_it_is_decompressed() -> None:
    server = Server(grown=LIMIT + 1)
    with pytest.raises(TooManyBytesInFlight):
        await server.ask(10)
    assert server.door.held == 0


async def test_a_request_that_fails_holds_nothing_any_more() -> None:
    async def failing(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        raise RuntimeError

    server = Server()
    server.door = BytesInFlightMiddleware(failing, LIMIT)
    with pytest.raises(RuntimeError):
        await server.ask(50)
    assert server.door.held == 0
