"""Lists of tools as servers send them: read tool by tool, and to an end. Against servers in this process."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from api.tools.mcp import MCPServers, ServerStatus
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_listing import MAX_DESCRIPTION_CHARACTERS, MAX_PAGES
from api.tools.tool import MAX_TOOLS
from tests.support.mcp_clients import ScriptedServer, heartbeat, run, until

OBJECT = {"type": "object"}
GOOD = {"name": "good", "inputSchema": OBJECT}


@asynccontextmanager
async def connected(*servers: ScriptedServer, **changes: Any) -> AsyncIterator[MCPServers]:
    """Connected to all of them, in the order given."""
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(server.running()) for server in servers]
        entries = [ServerEntry(f"s{number}", HTTPTarget(url), **changes) for number, url in enumerate(urls)]
        client = await stack.enter_async_context(MCPServers(entries))
        await until(lambda: all(status.healthy for status in client.status()), seconds=20)
        yield client


async def listed(*tools: Any, **changes: Any) -> ServerStatus:
    """What becomes of a server with these tools."""
    async with connected(ScriptedServer(tools_list={"tools": list(tools)}), **changes) as servers:
        [status] = servers.status()
        assert [tool.name for tool in servers.tools()] == status.tools
        return status


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("bad", "name", "reason"),
    [
        ({"name": "bad"}, "bad", "it has no inputSchema"),
        ({"name": "bad", "inputSchema": None}, "bad", "it has no inputSchema"),
        ({"name": "bad", "inputSchema": "object"}, "bad", "its inputSchema is not an object"),
        ({"name": "bad", "inputSchema": []}, "bad", "its inputSchema is not an object"),
        ({"name": "bad", "inputSchema": True}, "bad", "its inputSchema is not an object"),
        ({"name": "bad", "inputSchema": {"type": "array"}}, "bad", "its inputSchema is for 'array', and arguments are"),
        ({"name": "bad", "inputSchema": {"type": "nonsense"}}, "bad", "its inputSchema is for 'nonsense'"),
        (
            {"name": "bad", "inputSchema": {**OBJECT, "properties": [1]}},
            "bad",
            "not valid JSON Schema: [1] is not of type",
        ),
        ({"name": "bad", "inputSchema": {**OBJECT, "properties": {"x": {"type": 7}}}}, "bad", "not valid JSON Schema"),
        ({"name": "bad", "inputSchema": {"$schema": 5}}, "bad", "its input schema"),
        ({"name": "bad", "inputSchema": deep(120)}, "bad", "its input schema is nested more than 100 levels deep"),
        ({"name": "bad", "inputSchema": deep(400)}, "bad", "its input schema"),
        (
            {"name": "bad", "inputSchema": {"description": "x" * 100_000}},
            "bad",
            "and 100,000 are the most that is read",
        ),
        ({"inputSchema": OBJECT}, "tool 1 of the list", "it has no name"),
        ({"name": "", "inputSchema": OBJECT}, "tool 1 of the list", "it has no name"),
        ({"name": None, "inputSchema": OBJECT}, "tool 1 of the list", "it has no name"),
        ({"name": 7, "inputSchema": OBJECT}, "tool 1 of the list", "its name is not a text"),
        ({"name": ["bad"], "inputSchema": OBJECT}, "tool 1 of the list", "its name is not a text"),
        (
            {"name": "x" * 129, "inputSchema": OBJECT},
            "tool 1 of the list",
            "its name is 129 characters long, and 128 are",
        ),
        ({"name": "a\nb", "inputSchema": OBJECT}, "tool 1 of the list", "holds characters that no name can have"),
        ({"name": "\x1b[31m", "inputSchema": OBJECT}, "tool 1 of the list", "holds characters that no name can have"),
        (None, "tool 1 of the list", "it is not an object"),
        ("good", "tool 1 of the list", "it is not an object"),
        ([GOOD], "tool 1 of the list", "it is not an object"),
    ],
)
async def test_a_tool_that_cannot_be_offered_hides_no_other(
    bad: Any, name: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    status = await listed(bad, GOOD)
    assert (status.error, status.tools, list(status.left_out)) == (None, ["good"], [name])
    assert reason in status.left_out[name]
    assert f"MCP server s0: tool {name} is left out: " in caplog.text


@pytest.mark.parametrize(
    "unusual",
    [
        {"name": "unusual", "inputSchema": {}},
        {"name": "unusual", "inputSchema": {"type": "object", "properties": [], "required": None}},
        {"name": "unusual", "inputSchema": {"type": ["object", "null"]}},
        {"name": "unusual", "inputSchema": {"properties": {"x": True}}},
        {"name": "unusual", "inputSchema": OBJECT, "description": None, "annotations": None, "title": 5},
        {"name": "unusual", "inputSchema": OBJECT, "description": ["a", "b"], "annotations": "none", "icons": {}},
        {"name": "unusual", "inputSchema": OBJECT, "outputSchema": "text", "_meta": [], "execution": 1},
        {"name": "unusual", "inputSchema": OBJECT, "outputSchema": {"type": "nonsense"}},
        {"name": "unusual", "inputSchema": OBJECT, "annotations": {"readOnlyHint": "maybe"}},
    ],
)
async def test_a_tool_with_something_that_does_not_matter_is_offered(unusual: dict[str, Any]) -> None:
    status = await listed(unusual, GOOD)
    assert (status.tools, status.left_out) == (["unusual", "good"], {})


async def test_of_two_tools_with_one_name_the_first_is_offered() -> None:
    status = await listed(GOOD, {**GOOD, "description": "another"}, {"name": "other", "inputSchema": OBJECT})
    assert status.tools == ["good", "other"]
    assert status.left_out["good"].startswith("it is listed twice, and not in the same words")


async def test_a_tool_that_is_no_use_does_not_stand_in_for_another_of_its_name() -> None:
    status = await listed({"name": "good"}, GOOD)
    assert (status.tools, status.left_out) == (["good"], {"good": "it has no inputSchema"})


async def test_a_tool_whose_arguments_go_into_headers_may_be_wrong_without_harm() -> None:
    wrong = {**OBJECT, "properties": {"x": {"type": "object", "x-mcp-header": "X"}}}
    right = {**OBJECT, "properties": {"x": {"type": "string", "x-mcp-header": "X"}, "y": True}}
    status = await listed({"name": "wrong", "inputSchema": wrong}, {"name": "right", "inputSchema": right}, GOOD)
    assert {"right", "good"} <= set(status.tools)


async def test_reading_a_list_of_large_schemas_does_not_stop_the_event_loop() -> None:
    large = {**OBJECT, "properties": {f"property {n}": {"type": "string", "enum": ["a", "b"]} for n in range(1_000)}}
    server = ScriptedServer(tools_list={"tools": [{"name": f"t{n}", "inputSchema": large} for n in range(3)]})
    async with heartbeat() as longest, connected(server) as servers:
        assert len(servers.tools()) == 3
    assert longest[0] < 0.5


async def test_a_list_without_an_end_is_not_read_for_ever() -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        page = int(params.get("cursor", 0))
        tools = [{"name": f"t{page * 4_000 + n}", "inputSchema": OBJECT} for n in range(4_000)]
        return {"tools": tools, "nextCursor": str(page + 1)}

    server = ScriptedServer(tools_list=answer)
    async with connected(server) as servers:
        assert len(servers.tools()) == MAX_TOOLS
    assert server.received["tools/list"] == 3


async def test_a_tool_that_is_not_allowed_is_not_even_looked_at() -> None:
    status = await listed({"name": "bad"}, GOOD, allowed_tools=frozenset({"good"}))
    assert (status.tools, status.left_out) == (["good"], {})


@pytest.mark.parametrize("tools", [{"tools": []}, {"tools": None}])
async def test_a_server_may_have_no_tools(tools: dict[str, Any]) -> None:
    async with connected(ScriptedServer(tools_list=tools)) as servers:
        assert servers.status()[0] == ServerStatus("s0", True, None, [], {})  # noqa: FBT003


def paged(*pages: tuple[str, Any]) -> ScriptedServer:
    """A server whose first page names the first cursor, and whose every cursor leads to a page with a tool of its own."""
    cursors = [None, *(cursor for cursor, _ in pages)]

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        place = cursors.index(params.get("cursor"))
        tool = {"name": f"tool{place}", "inputSchema": OBJECT}
        following = pages[0][0] if place == 0 else pages[place - 1][1]
        return {"tools": [tool], **({"nextCursor": following} if following is not None else {})}

    return ScriptedServer(tools_list=answer)


@pytest.mark.parametrize(
    ("server", "tools", "pages"),
    [
        (paged(("a", "b"), ("b", None)), ["tool0", "tool1", "tool2"], 3),
        (paged(("a", "a")), ["tool0", "tool1"], 2),
        (paged(("a", "b"), ("b", "a")), ["tool0", "tool1", "tool2"], 3),
        (paged(("", None)), ["tool0"], 1),
        (paged(("a", "")), ["tool0", "tool1"], 2),
        (paged(("a", 7)), ["tool0", "tool1"], 2),
        (paged(("a", "x" * 20_000)), ["tool0", "tool1"], 2),
    ],
    ids=["ends", "stands still", "goes round", "empty", "empty later", "a number", "too long"],
)
async def test_a_cursor_that_leads_nowhere_is_the_end(server: ScriptedServer, tools: list[str], pages: int) -> None:
    async with connected(server) as servers:
        assert [tool.name for tool in servers.tools()] == tools
    assert server.received["tools/list"] == pages


async def test_pages_that_repeat_themselves_put_no_tool_into_the_prompt_twice() -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        return {"tools": [GOOD], "nextCursor": f"{params.get('cursor', '')}x"}

    server = ScriptedServer(tools_list=answer)
    async with connected(server) as servers:
        assert ([tool.name for tool in servers.tools()], servers.status()[0].left_out) == (["good"], {})
    assert server.received["tools/list"] == MAX_PAGES


async def test_a_page_that_cannot_be_had_does_not_take_the_earlier_ones_away() -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params.get("cursor"):
            return {"error": {"code": -32602, "message": "no such cursor"}}
        return {"tools": [GOOD], "nextCursor": "a"}

    async with connected(ScriptedServer(tools_list=answer)) as servers:
        assert [tool.name for tool in servers.tools()] == ["good"]


def many(number: int, beginning: str = "t", **more: Any) -> ScriptedServer:
    tools = [{"name": f"{beginning}{n}", "inputSchema": OBJECT, **more} for n in range(number)]
    return ScriptedServer(tools_list={"tools": tools})


async def test_a_server_offers_no_more_tools_than_fit_into_a_prompt() -> None:
    async with connected(many(MAX_TOOLS + 1_000)) as servers:
        [status] = servers.status()
    assert len(status.tools) == MAX_TOOLS
    assert len(status.left_out) == 100
    assert status.left_out[f"t{MAX_TOOLS}"] == (
        "the server has more than 500 tools; name those you need in allowed_tools"
    )


async def test_of_many_tools_those_that_are_allowed_are_offered() -> None:
    async with connected(many(MAX_TOOLS + 1_000), allowed_tools=frozenset({"t3", "t1400"})) as servers:
        assert servers.status()[0].tools == ["t3", "t1400"]


async def test_all_servers_together_offer_no_more_tools_than_fit_into_a_prompt() -> None:
    async with connected(many(300, "a"), many(300, "b"), many(1, "c")) as servers:
        first, second, third = servers.status()
        assert len(servers.tools()) == MAX_TOOLS
    assert (len(first.tools), len(second.tools), len(third.tools)) == (300, 200, 0)
    assert (len(second.left_out), list(third.left_out)) == (100, ["c0"])
    assert third.left_out["c0"].startswith("the servers have more than 500 tools together")


async def test_a_server_offers_no_more_characters_than_fit_into_a_prompt() -> None:
    async with connected(many(120, inputSchema={"description": "x" * 9_900})) as servers:
        [status] = servers.status()
    assert 95 <= len(status.tools) <= 101
    assert "the server's tools are longer than 1,000,000 characters together" in status.left_out["t119"]


async def test_a_description_is_cut_with_a_note() -> None:
    tool = {**GOOD, "description": "x" * (MAX_DESCRIPTION_CHARACTERS + 1)}
    async with connected(ScriptedServer(tools_list={"tools": [tool]})) as servers:
        [offered] = servers.tools()
    assert offered.description == "x" * MAX_DESCRIPTION_CHARACTERS + " [cut: the rest is left out]"


async def test_a_server_that_says_all_the_time_that_its_tools_have_changed_is_asked_once_a_second() -> None:
    server = ScriptedServer(sessions=True, changes=0.01)
    async with connected(server) as servers:
        await until(lambda: server.received["tools/list"] >= 3, seconds=10)
        took = time.monotonic()
        await until(lambda: server.received["tools/list"] >= 5, seconds=10)
        assert time.monotonic() - took > 1.5
        assert (await run(servers, "act")).ok
