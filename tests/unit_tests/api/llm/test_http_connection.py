"""What may come over a connection, and what becomes of the connection afterwards."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest

from api.errors import UpstreamStreamBroken, UpstreamUnreachable
from api.llm import PooledTransport, Reply
from api.llm.http_connection import MOST_OF_A_HEAD
from api.llm.http_exchange import MOST_WAITING
from tests.support.raw_upstream import CHUNKED, HEAD, Handler, request_of, serving


def saying(*answers: bytes) -> tuple[Handler, list[int]]:
    """Gives one answer to each request, and the last to all that follow; the list has the number of each connection's requests."""
    left, connections = list(answers), list[int]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        while True:
            await request_of(reader)
            connections[-1] += 1
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            if left[0].startswith(b"HTTP/1.0"):
                return

    return answer, connections


async def asked(transport: PooledTransport, url: str) -> tuple[int, bytes]:
    reply = await transport.post(url, headers={}, content=b"{}")
    try:
        return reply.status, await reply.read()
    finally:
        await reply.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD % 2 + b"ok",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + HEAD % 2 + b"ok",
        CHUNKED + b"1\r\no\r\n1;name=value\r\nk\r\n0\r\ntrailer: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    ],
    ids=["100", "103 and 102", "chunks with an extension and a trailer", "bare line feeds"],
)
async def test_an_answer_is_read_and_its_connection_used_again(answer: bytes) -> None:
    handler, connections = saying(answer)
    async with serving(handler) as (transport, url):
        assert [await asked(transport, url) for _ in range(3)] == [(200, b"ok")] * 3
    assert connections == [3]


@pytest.mark.parametrize(
    "answer",
    [
        HEAD % 2 + b"ok" + b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
    ],
    ids=["with something behind it", "that closes", "that ends with its connection"],
)
async def test_an_answer_is_read_and_its_connection_not_used_again(answer: bytes) -> None:
    handler, connections = saying(answer)
    async with serving(handler) as (transport, url):
        assert [await asked(transport, url) for _ in range(2)] == [(200, b"ok")] * 2
    assert connections == [1, 1]


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_needs_no_length(status: int) -> None:
    handler, connections = saying(b"HTTP/1.1 %d Nothing\r\n\r\n" % status)
    async with serving(handler) as (transport, url):
        assert [await asked(transport, url) for _ in range(2)] == [(status, b"")] * 2
    assert connections == [2]


async def test_another_protocol_is_no_answer_with_a_body() -> None:
    handler, _ = saying(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nwhatever")
    async with serving(handler) as (transport, url):
        assert await asked(transport, url) == (101, b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * MOST_OF_A_HEAD,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * (MOST_OF_A_HEAD // 6 + 1),
    ],
    ids=["another protocol", "a header without an end", "headers without an end"],
)
async def test_what_is_no_head_is_no_answer(answer: bytes) -> None:
    handler, _ = saying(answer)
    async with serving(handler) as (transport, url):
        with pytest.raises(UpstreamUnreachable):
            await asked(transport, url)


async def test_what_comes_before_a_break_is_read() -> None:
    handler, _ = saying(CHUNKED + b"3\r\nabc\r\nno size\r\n")
    blocks = list[bytes]()

    async def read(reply: Reply) -> None:
        async for block in reply.blocks():
            blocks.append(block)

    async with serving(handler) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}")
        with pytest.raises(UpstreamStreamBroken):
            await read(reply)
        await reply.aclose()
    assert b"".join(blocks) == b"abc"


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
async def test_an_answer_that_is_compressed_unasked_is_read(compress: Callable[[bytes], bytes]) -> None:
    body, coding = compress(b"word " * 1000), b"gzip" if compress is gzip.compress else b"deflate"
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n"
    handler, _ = saying(head % (coding, len(body)) + body, head % (coding, 10) + body[:10], head % (coding, 3) + b"no!")
    async with serving(handler) as (transport, url):
        assert await asked(transport, url) == (200, b"word " * 1000)
        for _ in range(2):  # one that breaks off, and one that is none
            with pytest.raises(UpstreamStreamBroken):
                await asked(transport, url)


async def test_an_answer_before_all_was_sent_leaves_no_connection_behind() -> None:
    connections = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with serving(refuse) as (transport, url):
        for _ in range(2):
            reply = await transport.post(url, headers={}, content=b"x" * 50_000_000)
            assert (reply.status, await reply.read()) == (413, b"")
            await reply.aclose()
    assert connections == 2


async def test_who_is_not_read_has_to_wait() -> None:
    sent, all_of_it = 0, 200 * MOST_WAITING

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_of(reader)
        writer.write(HEAD % all_of_it)
        while sent < all_of_it:
            writer.write(b"x" * MOST_WAITING)
            sent += MOST_WAITING
            await writer.drain()

    async with serving(flood) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}")
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < all_of_it
        assert sum([len(block) async for block in reply.blocks()]) == all_of_it
        await reply.aclose()


async def test_a_slow_reader_is_no_silence_of_the_other_side() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(HEAD % (100 * MOST_WAITING) + b"x" * 100 * MOST_WAITING)
        await writer.drain()

    async with serving(flood, http_read_timeout=0.3) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}")
        await asyncio.sleep(0.7)
        assert len(await reply.read()) == 100 * MOST_WAITING
        await reply.aclose()


async def _before_the_head(transport: PooledTransport, url: str) -> Reply:
    return await transport.post(url, headers={}, content=b"{}")


async def _within_the_body(transport: PooledTransport, url: str) -> None:
    reply = await transport.post(url, headers={}, content=b"begin")
    try:
        await reply.read()
    finally:
        await reply.aclose()


@pytest.mark.parametrize("work", [_before_the_head, _within_the_body])
async def test_a_call_that_is_cancelled_closes_its_connection(
    work: Callable[[PooledTransport, str], Awaitable[object]],
) -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await request_of(reader))[1] == b"begin":
            writer.write(CHUNKED + b"3\r\nabc\r\n")
        begun.set()
        await reader.read()
        closed.set()

    async with serving(wait) as (transport, url):
        task = asyncio.ensure_future(work(transport, url))
        await asyncio.wait_for(begun.wait(), 30)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait_for(closed.wait(), 30)
        with pytest.raises(asyncio.CancelledError):
            await task
