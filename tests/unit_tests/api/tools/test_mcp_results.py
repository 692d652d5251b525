"""What tools answer, whatever its form: the tool has run, and its answer is told. Against servers in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.tools.mcp import MCPServers
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_content import MAX_PARTS
from api.tools.mcp_envelope import has_too_many_parts
from api.tools.tool import ToolResult
from tests.support.mcp_clients import Reply, ScriptedServer, run, until

TEXT = {"type": "text", "text": "said"}


@asynccontextmanager
async def connected(server: ScriptedServer) -> AsyncIterator[MCPServers]:
    async with server.running() as url, MCPServers([ServerEntry("s", HTTPTarget(url))]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        yield servers


@pytest.fixture(params=[False, True], ids=["JSON", "events"])
def events(request: pytest.FixtureRequest) -> bool:
    """Whether the server answers with a stream of events."""
    return bool(request.param)


async def answered(answer: Any, *, events: bool, **arguments: Any) -> ToolResult:
    """What becomes of a call that is answered in that way; the session outlives it, and the call is made once."""
    server = ScriptedServer(events=events, tools_call=answer)
    async with connected(server) as servers:
        result = await run(servers, "act", **arguments)
        assert servers.status()[0].healthy
    assert (server.received["tools/call"], server.received["initialize"]) == (1, 1)
    return result


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"structuredContent": {"n": 1}}, '{"n": 1}'),
        ({"structuredContent": {"n": 1}, "content": None}, '{"n": 1}'),
        ({"structuredContent": [1, 2], "content": []}, "[1, 2]"),
        ({"structuredContent": "plain", "content": [TEXT]}, 'said\n"plain"'),
        ({"structuredContent": None, "content": [TEXT]}, "said"),
        ({"structuredContent": 0}, "0"),
        ({"content": "said"}, "said"),
        ({"content": TEXT}, "said"),
        ({"content": ["said", None, TEXT]}, "said\nsaid"),
        ({"content": {"n": 1}}, '{"n": 1}'),
        ({"content": 5}, "5"),
        ({"content": [{"type": "text"}]}, '{"type": "text"}'),
        ({"content": [{"type": "text", "text": None}]}, '{"type": "text", "text": null}'),
        ({"content": [{"type": "text", "text": 5}, TEXT]}, '{"type": "text", "text": 5}\nsaid'),
        ({"content": [{"text": "said"}]}, '{"text": "said"}'),
        ({"content": [{"type": "json", "json": {"n": 1}}, TEXT]}, '{"type": "json", "json": {"n": 1}}\nsaid'),
        ({"content": [{"type": 7}, TEXT]}, '{"type": 7}\nsaid'),
        ({"content": [{"type": "image", "data": "QUJD"}]}, "[image of type unknown, about 3 bytes: not shown]"),
        (
            {"content": [{"type": "video", "data": "QUJD", "mimeType": "video/mp4"}]},
            "[video of type video/mp4, about 3 bytes: not shown]",
        ),
        ({"content": [{"type": "image", "url": "x"}]}, '{"type": "image", "url": "x"}'),
        ({"content": [{"type": "resource", "resource": {"text": "said"}}]}, "said"),
        ({"content": [{"type": "resource", "resource": None}]}, '{"type": "resource", "resource": null}'),
        ({"content": [{"type": "resource_link", "uri": "file:///x"}]}, "[resource without a name: file:///x]"),
        ({"content": [TEXT], "isError": None}, "said"),
        ({"content": [TEXT], "isError": "no"}, "said"),
        ({"content": [TEXT], "_meta": "none", "resultType": 5}, "said"),
        ({"toolResult": {"n": 1}}, '{"toolResult": {"n": 1}}'),
        ({"content": []}, ""),
        ({}, ""),
        ({"whole": {"jsonrpc": "2.0", "id": 2, "result": "said"}}, '"said"'),
        ({"whole": {"jsonrpc": "2.0", "id": 2, "result": None}}, ""),
        ({"whole": {"jsonrpc": "2.0", "id": 2, "result": [1]}}, "[1]"),
        ({"whole": {"id": "another", "result": {"content": [TEXT]}}}, "said"),
        ({"whole": {"jsonrpc": "2.0", "result": {"content": [TEXT]}}}, "said"),
        ({"whole": {"jsonrpc": "2.0", "id": None, "error": None, "result": {"content": [TEXT]}}}, "said"),
    ],
)
async def test_an_answer_of_another_form_is_told(answer: dict[str, Any], text: str, *, events: bool) -> None:
    result = await answered(answer, events=events)
    assert (result.ok, result.text, result.error) == (True, text, None)


@pytest.mark.parametrize("flag", [True, "true", "True", 1])
@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"content": [TEXT]}, "said"),
        ({"content": "said"}, "said"),
        ({"structuredContent": {"n": 1}}, '{"n": 1}'),
        ({}, "the tool failed without saying why"),
    ],
)
async def test_an_error_stays_an_error(content: dict[str, Any], error: str, flag: object) -> None:
    result = await answered({**content, "isError": flag}, events=False)
    assert (result.ok, result.error) == (False, error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": -32602, "message": "no such tool"}, "no such tool"),
        ("no such tool", "no such tool"),
        ({"message": "no such tool"}, "no such tool"),
        ({"code": "E1", "message": "no such tool"}, "no such tool"),
        ({"code": 1, "detail": "no such tool"}, '{"code": 1, "detail": "no such tool"}'),
    ],
)
async def test_a_protocol_error_of_any_form_is_told(error: Any, said: str, *, events: bool) -> None:
    result = await answered({"error": error}, events=events)
    assert (result.ok, result.error) == (False, f"the server answered with an error: {said}")


async def test_what_is_nested_too_deeply_for_the_client_is_told_without_it(*, events: bool) -> None:
    deep: Any = "bottom"
    for _ in range(500):
        deep = [deep]
    result = await answered({"content": [TEXT], "structuredContent": {"deep": deep}}, events=events)
    assert result.ok
    assert result.text.startswith('said\n{"deep": [[[[')
    assert "[nested more than 100 levels deep: not shown]" in result.text


async def test_text_that_is_deep_json_is_text() -> None:
    text = "[" * 100_000
    result = await answered({"content": [{"type": "text", "text": text}], "structuredContent": {"n": 1}}, events=False)
    assert (result.ok, result.text, result.left_out) == (True, text[:20_000], 80_009)


async def test_more_content_than_anybody_reads_is_counted() -> None:
    result = await answered({"content": [{"type": "text", "text": "x"}] * (MAX_PARTS + 7)}, events=False)
    assert result.text == "x\n" * MAX_PARTS + "[7 more parts: not shown]"


async def test_an_answer_of_a_million_little_parts_is_not_read(*, events: bool) -> None:
    result = await answered({"structuredContent": {"parts": [[]] * 1_000_000}}, events=events)
    assert result.error == "the tool ran, but its answer has more than 500,000 parts, the most that are read"


async def test_commas_and_brackets_in_a_text_are_no_parts(*, events: bool) -> None:
    text = '["\\"", {,\\' * 500_000
    result = await answered({"content": [{"type": "text", "text": text}]}, events=events)
    assert (result.ok, result.left_out) == (True, len(text) - 20_000)


@pytest.mark.parametrize(("message", "parts"), [(b"[1,2,3]", 3), (b'["a,b","c\\",[d"]', 2), (b'{"a\\\\":[1,{}]}', 4)])
def test_parts_are_what_stands_between_commas(message: bytes, parts: int) -> None:
    assert not has_too_many_parts(message, most=parts)
    assert has_too_many_parts(message, most=parts - 1)


MESSAGE = b'{"jsonrpc": "2.0", "id": 4, "result": {"content": [{"type": "text", "text": "%s"}]}}'


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("application/json", b"\xef\xbb\xbf" + MESSAGE % b"said", "said"),
        ("application/json", MESSAGE % b"gr\xfc\xdfe", "gr\ufffd\ufffde"),
        ("application/json", MESSAGE % b"half \\ud83d of one", "half ? of one"),
        ("text/plain", MESSAGE % b"said", "said"),
        ("application/octet-stream", MESSAGE % b"said", "said"),
        ("text/event-stream", b"data: " + MESSAGE % b"half \\ud83d of one" + b"\r\r", "half ? of one"),
        ("text/event-stream", b"data: " + MESSAGE % b"said" + b"\n\n", "said"),
    ],
)
async def test_an_answer_that_is_not_quite_json_is_read(kind: str, body: bytes, text: str) -> None:
    result = await answered(Reply(200, {"Content-Type": kind}, body), events=False)
    assert (result.ok, result.text) == (True, text)


async def test_an_event_that_comes_in_pieces_is_read() -> None:
    message = b'{"jsonrpc": "2.0", "id": 4,\r\ndata:  "result": null}'
    body = b": a comment\r\n\r\nid: 7\r\ndata:\r\n\r\nevent: message\r\ndata: " + message + b"\r\n\r\n"
    result = await answered(Reply(200, {"Content-Type": "text/event-stream"}, body), events=False)
    assert (result.ok, result.text) == (True, "")


async def test_an_event_that_is_too_long_fails_its_call_and_nothing_else() -> None:
    result = await answered({"content": [{"type": "text", "text": "x" * 70_000_000}]}, events=True)
    assert result.error == "the tool ran, but its answer is longer than 67,108,864 bytes, the most that is read"


async def test_a_web_page_instead_of_an_answer_leaves_the_outcome_unknown() -> None:
    page = Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Log in</html>")
    server = ScriptedServer(tools_call=page)
    async with connected(server) as servers:
        error = (await run(servers, "act")).error or ""
    assert "HTTP 200 with a web page: is the server's url right, and does it ask for a token" in error
    assert "the outcome is unknown" in error
