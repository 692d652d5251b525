"""How connections are made, shared, kept and given up."""

import asyncio
import time

import httpx
import pytest

from api.errors import UpstreamUnreachable
from api.llm import PooledTransport
from api.llm.litellm_transport import head_of
from tests.support.raw_upstream import HEAD, Handler, request_of, serving

OK = HEAD % 2 + b"ok"


def counting(answer: bytes = OK, *, most: int = 1_000_000) -> tuple[Handler, list[int]]:
    """Answers, and closes a connection after `most` requests without saying so; the list has the number of each one's requests."""
    connections = list[int]()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(connections)
        connections.append(0)
        while connections[number] < most:
            await request_of(reader)
            connections[number] += 1
            writer.write(answer)

    return one, connections


async def ask(transport: PooledTransport, url: str) -> bytes:
    reply = await transport.post(url, headers={}, content=b"{}")
    try:
        return await reply.read()
    finally:
        await reply.aclose()


async def test_who_comes_when_all_are_in_use_waits_for_one() -> None:
    handler, connections = counting()
    async with serving(handler, http_max_connections=2) as (transport, url):
        assert await asyncio.gather(*(ask(transport, url) for _ in range(20))) == [b"ok"] * 20
    assert sum(connections) == 20
    assert len(connections) <= 2


async def test_who_waits_for_too_long_is_told_that_nobody_is_there() -> None:
    handler, _ = counting(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
    async with serving(handler, http_max_connections=1, http_connect_timeout=0.2) as (transport, url):
        held = await transport.post(url, headers={}, content=b"{}")
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, url)
        await held.aclose()


async def test_who_left_while_waiting_takes_nobodys_place() -> None:
    handler, _ = counting()
    async with serving(handler, http_max_connections=1) as (transport, url):
        held = await transport.post(url, headers={}, content=b"{}")
        waiting = [asyncio.ensure_future(ask(transport, url)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await held.read()
        await held.aclose()
        waiting[1].cancel()
        assert await waiting[2] == b"ok"
        assert await ask(transport, url) == b"ok"


async def test_what_its_server_closed_meanwhile_is_not_used_again() -> None:
    handler, connections = counting(most=1)
    async with serving(handler) as (transport, url):
        for _ in range(3):
            assert await ask(transport, url) == b"ok"
            await asyncio.sleep(0.1)
    assert connections == [1, 1, 1]


async def test_what_nobody_needs_is_closed_after_a_while() -> None:
    closed = asyncio.Event()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK)
        await reader.read()
        closed.set()

    async with serving(one, http_keepalive_expiry=0.1) as (transport, url):
        await ask(transport, url)
        await asyncio.wait_for(closed.wait(), 30)


async def test_what_was_idle_for_too_long_is_not_used_though_the_process_was_held_up() -> None:
    handler, connections = counting()
    async with serving(handler, http_keepalive_expiry=0.2) as (transport, url):
        await ask(transport, url)
        time.sleep(0.4)  # noqa: ASYNC251 - nothing runs in between
        await ask(transport, url)
    assert connections == [1, 1]


async def test_closing_breaks_off_what_is_under_way() -> None:
    handler, _ = counting(b"")
    async with serving(handler) as (transport, url):
        asking = asyncio.ensure_future(ask(transport, url))
        await asyncio.sleep(0.1)
        await transport.aclose()
        with pytest.raises(UpstreamUnreachable):
            await asking


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("POST", 1)])
async def test_a_question_alone_is_asked_again_where_a_kept_connection_was_closed(
    method: str, connections: int
) -> None:
    """The server closes when the second request reaches it, as one does whose own limit ends in that moment."""
    seen = 0

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        for _ in range(2 if seen > 1 else 1):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")

    async with serving(one) as (transport, url), httpx.AsyncClient(transport=transport) as client:
        assert (await client.request(method, url)).content == b"ok"
        if method == "GET":
            assert (await client.request(method, url)).content == b"ok"
        else:
            with pytest.raises(httpx.ReadError):
                await client.request(method, url)
        assert seen == connections


async def test_a_name_is_looked_up() -> None:
    handler, _ = counting()
    async with serving(handler) as (transport, url):
        assert await ask(transport, url.replace("127.0.0.1", "localhost")) == b"ok"


async def test_a_name_that_is_none_is_unreachable() -> None:
    handler, _ = counting()
    async with serving(handler) as (transport, _url):
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, "http://nobody.invalid/v1")


async def test_who_speaks_no_tls_is_unreachable() -> None:
    handler, _ = counting()
    async with serving(handler, http_connect_timeout=0.3) as (transport, url):
        with pytest.raises(UpstreamUnreachable):
            await ask(transport, url.replace("http:", "https:"))


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\0b"])
def test_no_header_ends_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="line"):
        head_of("POST / HTTP/1.1\r\n", [("x-own", value)], 0, keeps=True)
