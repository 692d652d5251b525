"""What the HTTP transport says became of a request, against sockets that misbehave."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, ErrorData

from api.tools.mcp_envelope import MAX_RESULT_BYTES
from api.tools.mcp_fate import ConnectRefusedError, Fate, describe, fate_of
from api.tools.mcp_http import FateTransport, build_http_client
from tests.support.processes import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that does what the handler does once a request's head has arrived."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await handler(reader, writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


def answering(head: str, body: str = "") -> Handler:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()

    return answer


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"half')
    await writer.drain()


async def post(
    url: str, headers: dict[str, str] | None = None, *, established: bool = True, longest: int = MAX_RESULT_BYTES
) -> httpx2.Response:
    transport = FateTransport(longest)
    transport.established = established
    async with build_http_client(transport, None) as client:
        return await client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "tools/call"}, headers=headers)


def error_of(response: httpx2.Response) -> ErrorData:
    content: Any = json.loads(response.content)
    return ErrorData.model_validate(content["error"])


async def test_a_refused_connection_sent_nothing() -> None:
    assert fate_of(error_of(await post(f"http://127.0.0.1:{free_port()}/mcp"))) is Fate.NOT_SENT


async def test_a_connection_that_ends_without_an_answer_leaves_the_outcome_unknown() -> None:
    async with peer(hang_up) as url:
        assert fate_of(error_of(await post(url))) is Fate.UNKNOWN


async def test_a_gateways_error_leaves_the_outcome_unknown() -> None:
    async with peer(answering("502 Bad Gateway")) as url:
        error = error_of(await post(url))
    assert (fate_of(error), error.message) == (Fate.UNKNOWN, "HTTP 502")


async def test_a_refusal_is_an_answer() -> None:
    async with peer(answering("429 Too Many Requests")) as url:
        error = error_of(await post(url))
    assert (fate_of(error), error.message) == (Fate.ANSWERED, "HTTP 429")


async def test_a_session_that_is_not_known_any_more_sent_nothing() -> None:
    async with peer(answering("404 Not Found")) as url:
        assert fate_of(error_of(await post(url, {"mcp-session-id": "old"}))) is Fate.NOT_SENT


async def test_a_json_answer_is_left_as_it_is() -> None:
    async with peer(answering("400 Bad Request\r\nContent-Type: application/json", '{"jsonrpc": "2.0"}')) as url:
        response = await post(url)
    assert (response.status_code, response.json()) == (400, {"jsonrpc": "2.0"})


@pytest.mark.parametrize("body", ['{"error": "no healthy upstream"}', "", "[]"])
async def test_a_gateways_error_in_json_of_its_own_leaves_the_outcome_unknown_too(body: str) -> None:
    async with peer(answering("503 Unavailable\r\nContent-Type: application/json", body)) as url:
        error = error_of(await post(url))
    assert (fate_of(error), error.message) == (Fate.UNKNOWN, "HTTP 503")


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_a_json_answer_that_is_too_long_is_an_error_that_says_so(status: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "x" * 1_000})
    async with peer(answering(f"{status}\r\nContent-Type: application/json", body)) as url:
        response = await post(url, longest=1_000)
    assert response.json()["id"] == 1
    assert fate_of(error_of(response)) is Fate.TOO_LONG
    assert error_of(response).message == "its answer is longer than 1,000 bytes, the most that is read"


async def test_a_json_answer_of_just_the_limit_is_left_as_it_is() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"x": "größe"}})
    async with peer(answering("200 OK\r\nContent-Type: application/json", body)) as url:
        assert (await post(url, longest=len(body))).text == body


async def test_what_counts_is_the_answers_length_when_it_is_unpacked() -> None:
    packed = gzip.compress(b'{"jsonrpc": "2.0", "id": 1, "result": {"x": "' + b"x" * 100_000 + b'"}}')

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + packed)
        await writer.drain()

    async with peer(answer) as url:
        assert len((await post(url)).json()["result"]["x"]) == 100_000
        assert fate_of(error_of(await post(url, longest=50_000))) is Fate.TOO_LONG


async def test_an_answer_that_breaks_off_raises_what_the_client_answers_to_the_call_alone() -> None:
    async with peer(break_off) as url:
        with pytest.raises(httpx2.StreamError):
            await post(url)


async def test_before_a_session_a_refused_connection_is_raised() -> None:
    with pytest.raises(httpx2.ConnectError):
        await post(f"http://127.0.0.1:{free_port()}/mcp", established=False)


NONE_SET = (
    "the server answered HTTP 401; is the server's auth_token_env right? None is set: put the token into an environment "
    "variable and name that there, in config/mcp_servers.yaml"
)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("401 Unauthorized", NONE_SET),
        ("503 Service Unavailable", "the server answered HTTP 503"),
    ],
)
async def test_before_a_session_no_access_and_no_service_are_named(head: str, said: str) -> None:
    async with peer(answering(head)) as url:
        with pytest.raises(ConnectRefusedError) as caught:
            await post(url, established=False)
    assert str(caught.value) == said


async def test_before_a_session_other_refusals_are_left_to_the_clients_negotiation() -> None:
    async with peer(answering("405 Method Not Allowed")) as url:
        assert (await post(url, established=False)).status_code == 405


async def test_the_token_is_sent_as_bearer() -> None:
    seen: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"}"))
        await answering("202 Accepted")(reader, writer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await remember(reader, writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        async with build_http_client(FateTransport(), "the-token") as client:
            await client.post(url, json={})
    assert b"Authorization: Bearer the-token\r\n" in seen[0]


def test_a_server_cannot_say_that_a_call_was_not_sent() -> None:
    forged = ErrorData(code=1, message="", data={"mark": "guess", "fate": "not sent"})
    assert fate_of(forged) is Fate.ANSWERED


async def test_the_clients_own_words_for_an_event_that_is_too_long_are_understood() -> None:
    events = httpx2.Response(
        200,
        content=b"data: " + b"x" * 100 + b"\n\n",
        headers={"content-type": "text/event-stream"},
        request=httpx2.Request("POST", "http://127.0.0.1/"),
    )
    with pytest.raises(httpx2.SSEError) as caught:
        _ = [event async for event in httpx2.EventSource(events, max_event_size=10)]
    said = ErrorData(code=CONNECTION_CLOSED, message=f"SSE stream failed: {caught.value}")
    assert fate_of(said) is Fate.TOO_LONG


def test_the_clients_own_words_for_a_lost_answer_are_understood() -> None:
    assert fate_of(ErrorData(code=CONNECTION_CLOSED, message="Connection closed")) is Fate.UNKNOWN
    assert fate_of(ErrorData(code=INVALID_PARAMS, message="")) is Fate.ANSWERED


def test_a_group_of_errors_is_described_by_its_first() -> None:
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("the reason")]), OSError("later")])
    assert describe(group) == "the reason"
