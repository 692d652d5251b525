"""Comments on a silent stream: after a while without an event, and only while none is being sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from api.edge.stream_keepalive import COMMENT, StreamKeepalive

WHILE = 0.2


class Stream:
    """What a client gets, and when."""

    def __init__(self) -> None:
        self.keepalive = StreamKeepalive(self.send, WHILE)
        self._sent = asyncio.Queue[float]()

    async def send(self, message: Message) -> None:
        assert message == {"type": "http.response.body", "body": COMMENT, "more_body": True}
        self._sent.put_nowait(asyncio.get_running_loop().time())

    async def next_comment(self) -> float:
        """When it came."""
        return await asyncio.wait_for(self._sent.get(), 20)

    @property
    def is_silent(self) -> bool:
        return self._sent.empty()


@asynccontextmanager
async def _running(stream: Stream) -> AsyncIterator[None]:
    stream.keepalive.begin()
    try:
        yield
    finally:
        stream.keepalive.end()


@pytest.fixture
def stream() -> Stream:
    return Stream()


async def test_a_comment_comes_whenever_the_while_is_over(stream: Stream) -> None:
    stream.keepalive.waits()
    async with _running(stream):
        first, second, third = [await stream.next_comment() for _ in range(3)]
    assert min(second - first, third - second) >= WHILE * 0.9


async def test_an_event_starts_the_while_anew(stream: Stream) -> None:
    loop = asyncio.get_running_loop()
    stream.keepalive.waits()
    async with _running(stream):
        await asyncio.sleep(WHILE / 2)
        stream.keepalive.speaks()
        stream.keepalive.waits()
        spoke = loop.time()
        assert await stream.next_comment() - spoke >= WHILE * 0.9


async def test_nothing_is_said_before_the_first_wait_and_while_an_event_is_on_its_way(stream: Stream) -> None:
    async with _running(stream):
        await asyncio.sleep(3 * WHILE)
        stream.keepalive.waits()
        stream.keepalive.speaks()
        await asyncio.sleep(3 * WHILE)
    assert stream.is_silent


def test_every_reader_of_events_passes_over_the_comment() -> None:
    """A line that starts with a colon, and the blank line that ends what could be an event."""
    assert COMMENT.startswith(b":")
    assert COMMENT.endswith(b"\n\n")
    assert COMMENT.count(b"\n") == 2


async def test_what_is_sent_is_made_when_it_is_sent() -> None:
    numbers = iter(range(100))
    sent = asyncio.Queue[bytes]()

    async def send(message: Message) -> None:
        sent.put_nowait(message["body"])

    keepalive = StreamKeepalive(send, 0.01, lambda: b"event %d\n\n" % next(numbers))
    keepalive.waits()
    keepalive.begin()
    bodies = [await asyncio.wait_for(sent.get(), 20) for _ in range(3)]
    keepalive.end()
    assert bodies == [b"event 0\n\n", b"event 1\n\n", b"event 2\n\n"]
