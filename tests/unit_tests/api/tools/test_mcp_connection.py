"""How often a server is asked, and what its tools are while it is away: against servers in this process."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from mcp_types import INTERNAL_ERROR
from pydantic import SecretStr

from api.tools.mcp import MCPServers
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_pace import Pace
from tests.support.mcp_clients import BACK_SECONDS, Reply, ScriptedServer, run, until


@asynccontextmanager
async def connected(server: ScriptedServer, pace: Pace | None = None, **changes: Any) -> AsyncIterator[MCPServers]:
    entry = ServerEntry("s", HTTPTarget(""), **changes)
    async with (
        server.running() as url,
        MCPServers([replace(entry, target=HTTPTarget(url))], pace=pace or Pace()) as servers,
    ):
        yield servers


LOGIN = Reply(302, {"Location": "https://login.example/start?secret=1"})
PAGE = Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Log in</html>")
HASTY = Pace(first_delay=0.02, longest_delay_http=0.05)
REFUSAL = {"error": {"code": INTERNAL_ERROR, "message": "not today"}}


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"server_discover": 401}, "HTTP 401; is the server's auth_token_env right?"),
        ({"server_discover": 403}, "HTTP 403; is the server's auth_token_env right?"),
        ({"server_discover": 404, "initialize": 404}, "HTTP 404 Not Found; is the server's url right?"),
        ({"server_discover": 405, "initialize": 405}, "HTTP 405 Method Not Allowed; is the server's url right?"),
        (
            {"server_discover": LOGIN, "initialize": LOGIN},
            "HTTP 302, a redirect to https://login.example/start: is the",
        ),
        (
            {"server_discover": PAGE, "initialize": PAGE},
            "HTTP 200 with a web page: is the server's url right, and does",
        ),
        ({"tools_list": REFUSAL}, "not today"),
        ({"tools_list": {"tools": "none"}}, "validation error"),
        ({"initialize": {"protocolVersion": "1999-01-01"}}, "validation error"),
    ],
)
async def test_a_server_that_says_no_is_asked_more_and_more_rarely(answers: dict[str, Any], error: str) -> None:
    server = ScriptedServer(**answers)
    async with connected(server, HASTY) as servers:
        await asyncio.sleep(1.0)
        assert error in (servers.status()[0].error or "")
    assert 3 <= server.received["server/discover"] <= 6


@pytest.mark.parametrize(
    ("status", "challenge", "said"),
    [
        (401, "Bearer", "auth_token_env right?"),
        (
            401,
            'Bearer realm="x", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"',
            "where to get a token is written at https://mcp.example/.well-known/oauth-protected-resource",
        ),
        (
            403,
            'Bearer error="insufficient_scope", scope="files:read files:write"',
            "lacks the scope 'files:read files:write'",
        ),
        (403, 'Bearer error="insufficient_scope", scope="the-token"', "the token lacks the scope '[token]'"),
    ],
)
async def test_a_server_that_gives_no_access_is_shown_with_what_to_set(
    status: int, challenge: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    refusal = Reply(
        status, {"WWW-Authenticate": challenge}, b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}}'
    )
    server = ScriptedServer(server_discover=refusal, initialize=refusal)
    async with (
        server.running() as url,
        MCPServers([ServerEntry("s", HTTPTarget(url, SecretStr("the-token")))], pace=HASTY) as servers,
    ):
        await until(lambda: servers.status()[0].error is not None)
        error = servers.status()[0].error or ""
    assert error.startswith(f"the server answered HTTP {status}; is the server's auth_token_env right?")
    assert error.endswith(said)
    logged = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("api."))
    assert error in logged
    assert "the-token" not in error + logged


async def test_a_token_that_is_no_longer_taken_shows_in_the_servers_health() -> None:
    server = ScriptedServer()
    async with connected(server, HASTY) as servers:
        server.answers |= {"tools/call": 401, "ping": 401, "server/discover": 401}
        result = await run(servers, "act")
        await until(lambda: "HTTP 401" in (servers.status()[0].error or ""))
    assert (result.error or "").startswith(
        "the server refused the call: HTTP 401; is the server's auth_token_env right?"
    )


async def test_a_call_that_is_not_allowed_takes_no_session_away() -> None:
    server = ScriptedServer(tools_call=403)
    async with connected(server, HASTY) as servers:
        assert "HTTP 403" in ((await run(servers, "act")).error or "")
        await until(lambda: server.received["ping"] >= 1)
        assert servers.status()[0].healthy
    assert server.received["initialize"] == 1


async def test_a_server_that_fails_is_asked_again_soon() -> None:
    server = ScriptedServer(server_discover=503)
    async with connected(server, HASTY):
        await asyncio.sleep(1.0)
    assert server.received["server/discover"] > 8


async def test_an_older_server_that_was_away_for_a_moment_is_used_again_at_once() -> None:
    server = ScriptedServer(sessions=True)
    async with connected(server):
        await until(lambda: server.received["tools/list"] == 1)
        server.restart()
        assert await until(lambda: server.received["tools/list"] == 2) < BACK_SECONDS


async def test_a_session_that_is_lost_in_other_words_is_replaced_too() -> None:
    server = ScriptedServer(sessions=True)
    lost = {
        "jsonrpc": "2.0",
        "error": {"code": -32000, "message": "Bad Request: No valid session ID provided"},
        "id": None,
    }
    server.lost = Reply(400, {}, json.dumps(lost).encode())
    async with connected(server) as servers:
        await until(lambda: server.received["tools/list"] == 1)
        server.restart()
        assert (await run(servers, "act")).text == "done"
    assert server.received["initialize"] == 2


@pytest.mark.parametrize(
    "said",
    [
        {"capabilities": None, "serverInfo": None},
        {"capabilities": {"tools": True}, "serverInfo": {"name": "x"}},
        {"serverInfo": "x", "instructions": ["read", "me"], "_meta": 5},
    ],
)
async def test_what_a_server_says_of_itself_does_not_keep_it_from_being_used(said: dict[str, Any]) -> None:
    async with connected(ScriptedServer(initialize={"protocolVersion": "2025-06-18", **said})) as servers:
        assert (await run(servers, "act")).text == "done"


async def test_a_stream_that_ends_at_once_is_not_asked_for_without_a_rest() -> None:
    ended = Reply(200, {"Content-Type": "text/event-stream"}, b"id: 1\nretry: 0\ndata:\n\n")
    server = ScriptedServer(sessions=True, tools_call=ended)
    server.stream = ended
    async with connected(server, timeout=2.5) as servers:
        result = await run(servers, "act")
    assert result.error == "act gave no answer within 2.5 s; the call was cancelled"
    assert 2 <= server.received["GET"] <= 8


async def test_an_older_server_is_not_asked_more_often_than_that_takes() -> None:
    server = ScriptedServer()
    async with connected(server):
        await asyncio.sleep(3.2)
    assert 1 <= server.received["ping"] <= 2


async def test_tools_are_offered_without_a_gap_while_a_session_is_replaced() -> None:
    server = ScriptedServer(sessions=True)
    gaps = 0
    async with connected(server) as servers:
        server.restart()
        call = asyncio.create_task(run(servers, "act"))
        while server.received["tools/list"] < 2 or not servers.status()[0].healthy:
            gaps += not servers.tools()
            await asyncio.sleep(0)
        assert (await call).text == "done"
    assert gaps == 0


async def test_tools_are_offered_without_a_gap_after_a_call_whose_outcome_is_unknown() -> None:
    server = ScriptedServer(tools_call=502)
    gaps = 0
    async with connected(server) as servers:
        call = asyncio.create_task(run(servers, "act"))
        while not call.done() or not servers.status()[0].healthy:
            gaps += not servers.tools()
            await asyncio.sleep(0)
    assert "outcome is unknown" in ((await call).error or "")
    assert gaps == 0


async def test_tools_are_no_longer_offered_some_time_after_a_loss() -> None:
    server = ScriptedServer(sessions=True)
    async with connected(server, Pace(offered_after_loss=0.5)) as servers:
        server.answers["server/discover"] = 503
        server.restart()
        await until(lambda: not servers.status()[0].healthy)
        assert [tool.name for tool in servers.tools()] == ["act"]
        assert await until(lambda: not servers.tools()) < 1


async def test_an_answer_that_is_too_long_fails_its_call_and_nothing_else() -> None:
    server = ScriptedServer(tools_call={"content": [{"type": "text", "text": "x" * 70_000_000}]})
    listed = {"name": "act", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
    server.answers["tools/list"] = {"tools": [listed]}
    async with connected(server) as servers:
        result = await run(servers, "act")
        assert servers.status()[0].healthy
    assert result.error == "the tool ran, but its answer is longer than 67,108,864 bytes, the most that is read"
    assert (server.received["tools/call"], server.received["initialize"]) == (1, 1)


async def test_a_tool_with_an_unusable_schema_is_named_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    tools = [{"name": name, "inputSchema": schema} for name, schema in SCHEMAS.items()]
    async with connected(ScriptedServer(tools_list={"tools": tools})) as servers:
        [status] = servers.status()
        offered = [tool.name for tool in servers.tools()]
    assert status.tools == offered == ["letters", "group", "bound"]
    assert list(status.left_out) == ["broken"]
    assert status.left_out["broken"].startswith("its input schema is not valid JSON Schema: 'nonsense' is not valid")
    assert [record.levelno for record in caplog.records if "broken" in record.message] == [logging.WARNING]


SCHEMAS = {
    "letters": {"type": "object", "properties": {"x": {"pattern": r"^\p{L}+$"}}},
    "group": {"type": "object", "properties": {"x": {"pattern": "(?<year>[0-9]{4})"}}},
    "bound": {"type": "object", "properties": {"x": {"minimum": 0, "exclusiveMinimum": True}}},
    "broken": {"type": "object", "properties": {"x": {"type": "nonsense"}}},
}
OUTPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("output", "structured", "said"),
    [
        (
            OUTPUT,
            {"n": "one"},
            "[the answer does not fit the tool's output schema: n: 'one' is not of type 'integer']\n{\"n\": \"one\"}",
        ),
        (OUTPUT, None, "[the answer lacks the structured content that the tool's output schema promises]"),
        ({"type": "object", "properties": {"n": {"type": "nonsense"}}}, {"n": 1}, '{"n": 1}'),
        ({"properties": {"n": {"pattern": "^(a+)+$"}}}, {"n": "a" * 50}, '{"n": "' + "a" * 50 + '"}'),
    ],
)
async def test_an_answer_beside_its_output_schema_is_told_with_a_note(
    output: dict[str, Any], structured: dict[str, Any] | None, said: str
) -> None:
    tool = {"name": "act", "inputSchema": {"type": "object"}, "outputSchema": output}
    content = {"structuredContent": structured} if structured is not None else {}
    server = ScriptedServer(tools_list={"tools": [tool]}, tools_call={"content": [], **content})
    async with connected(server) as servers:
        result = await run(servers, "act")
    assert (result.ok, result.text) == (True, said)
