"""Bytes over the pool: what comes back, what of it is a failure, and how connections are kept."""

import asyncio

import pytest
from pydantic import SecretStr

from api.config import Settings
from api.errors import UpstreamStreamBroken, UpstreamTimeout, UpstreamUnreachable
from api.llm import PooledTransport
from tests.support.processes import free_port
from tests.support.raw_upstream import CHUNKED, HEAD, request_of, serving


async def test_bytes_go_as_they_are_and_come_as_they_are() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(HEAD % 4 + b"{ } ")

    async with serving(answer) as (transport, url):
        reply = await transport.post(
            url, headers={"x-own": "1", "content-type": "application/json"}, content=b'{ "a":1}'
        )
        assert (reply.status, await reply.read(), reply.headers["x-litellm-version"]) == (200, b"{ } ", "1")
        await reply.aclose()
    [(head, body)] = seen
    assert body == b'{ "a":1}'
    assert b"\r\nx-own: 1\r\n" in head
    assert b"gzip" not in head


async def test_more_than_a_mebibyte_arrives_whole() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await request_of(reader))[1])
        writer.write(HEAD % 0)

    async with serving(answer) as (transport, url):
        await (await transport.post(url, headers={}, content=b"x" * 3_000_000)).aclose()
    assert seen == [b"x" * 3_000_000]


async def test_a_connection_is_used_again() -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await request_of(reader)
            writer.write(HEAD % 2 + b"{}")

    async with serving(answer) as (transport, url):
        for _ in range(5):
            reply = await transport.post(url, headers={}, content=b"{}")
            await reply.read()
            await reply.aclose()
    assert connections == 1


async def test_beyond_the_limit_connections_are_asked_to_close() -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append((await request_of(reader))[0])
            writer.write(HEAD % 2 + b"{}")

    async with serving(answer, http_max_keepalive_connections=1) as (transport, url):
        replies = [await transport.post(url, headers={}, content=b"{}") for _ in range(3)]
        for reply in replies:
            await reply.aclose()
    assert [b"connection: close" in head for head in heads] == [False, True, True]


async def test_nobody_there_is_unreachable() -> None:
    transport = PooledTransport(Settings(llm_api_key=SecretStr("k"), require_auth=False))
    with pytest.raises(UpstreamUnreachable):
        await transport.post(f"http://127.0.0.1:{free_port()}/x", headers={}, content=b"{}")
    await transport.aclose()


async def test_a_connection_that_is_lost_before_an_answer_is_unreachable() -> None:
    async def leave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await request_of(reader)

    async with serving(leave) as (transport, url):
        with pytest.raises(UpstreamUnreachable):
            await transport.post(url, headers={}, content=b"{}")


async def test_silence_is_a_time_out() -> None:
    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        await reader.read()

    async with serving(wait, http_read_timeout=0.2) as (transport, url):
        with pytest.raises(UpstreamTimeout):
            await transport.post(url, headers={}, content=b"{}")


@pytest.mark.parametrize("begun", [CHUNKED + b"3\r\nabc\r\n", HEAD % 10 + b"abc"], ids=["chunked", "with a length"])
async def test_an_answer_that_breaks_off_is_broken(begun: bytes) -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(begun)
        await writer.drain()

    async with serving(begin) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}")
        with pytest.raises(UpstreamStreamBroken):
            [block async for block in reply.blocks()]
        await reply.aclose()


@pytest.mark.parametrize(("read_timeout", "silence"), [(0.3, None), (0.3, 60.0), (60.0, 0.3)])
async def test_an_answer_that_falls_silent_is_broken(read_timeout: float, silence: float | None) -> None:
    """Whichever of the two is the shorter."""

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(CHUNKED + b"3\r\nabc\r\n")
        await reader.read()

    async with serving(begin, http_read_timeout=read_timeout) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}", silence=silence)
        with pytest.raises(UpstreamStreamBroken, match="fell silent"):
            [block async for block in reply.blocks()]
        await reply.aclose()


async def test_closing_an_answer_under_way_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(CHUNKED + b"3\r\nabc\r\n")
        await reader.read()
        closed.set()

    async with serving(begin) as (transport, url):
        reply = await transport.post(url, headers={}, content=b"{}")
        await reply.aclose()
        await asyncio.wait_for(closed.wait(), 30)
