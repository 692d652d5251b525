"""Calls and their results, names, tokens, and the end of it all."""

import asyncio
import time

import pytest
from pydantic import SecretStr

from api.tools.mcp import MCPServers
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.running import run_tools
from api.tools.tool import ToolCall
from tests.support.demo_tools import DemoTools
from tests.support.mcp_clients import entry, run, until


async def test_a_tool_answers(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        result = await run(servers, "calculate", expression="123456789 * 987654321")
    assert (result.ok, result.text) == (True, "121932631112635269")


async def test_a_failing_tool_says_why(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        result = await run(servers, "fail", message="the moon is in the wrong house")
    assert not result.ok
    assert "the moon is in the wrong house" in result.for_model()


async def test_an_image_becomes_a_note(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        result = await run(servers, "picture")
    assert result.text == "a red dot\n[image of type image/png, about 72 bytes: not shown]"


async def test_arguments_that_do_not_fit_never_reach_the_server(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        result = await run(servers, "slow", seconds="soon", hurry=True)
    assert not result.ok
    assert "seconds: 'soon' is not of type 'number'" in result.for_model()
    assert server.received()["tools/call slow"] == 0


async def test_tools_are_listed_once_for_fifty_calls(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        calls = [ToolCall("calculate", {"expression": f"{number} * 2"}) for number in range(50)]
        results = await run_tools(servers.tools(), calls, concurrent=True)
    assert [result.text for result in results] == [str(number * 2) for number in range(50)]
    assert (server.received()["tools/call calculate"], server.received()["tools/list"]) == (50, 1)


async def test_fifty_waiting_calls_share_one_session(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        started = time.perf_counter()
        results = await run_tools(servers.tools(), [ToolCall("slow", {"seconds": 1})] * 50, concurrent=True)
        took = time.perf_counter() - started
    assert all(result.ok for result in results)
    assert took < 5
    assert server.received()["server/discover"] == 1


async def test_calls_in_sequence_wait_for_each_other(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        results = await run_tools(servers.tools(), [ToolCall("counter", {"seconds": 0.2})] * 3, concurrent=False)
    assert [result.text for result in results] == ["1", "2", "3"]
    assert all(result.duration >= 0.2 for result in results)


async def test_ten_megabytes_are_cut_with_a_note(server: DemoTools) -> None:
    async with MCPServers([entry(server)], max_result_characters=1_000) as servers:
        result = await run(servers, "big", bytes=10_000_000)
    assert (result.ok, len(result.text), result.left_out) == (True, 1_000, 9_999_000)
    assert result.for_model().endswith("[cut: the last 9,999,000 of 10,000,000 characters are left out]")


async def test_ten_megabytes_in_an_event_stream_are_cut_too(older: DemoTools) -> None:
    async with MCPServers([entry(older)], max_result_characters=1_000) as servers:
        result = await run(servers, "big", bytes=10_000_000)
    assert (result.ok, result.left_out) == (True, 9_999_000)


async def test_a_changed_list_of_tools_is_read_again(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal)]) as servers:
        await run(servers, "add_tool", name="newcomer")
        await until(lambda: "newcomer" in {tool.name for tool in servers.tools()})
        assert (await run(servers, "newcomer")).text == "I am newcomer"
    assert mortal.received()["tools/list"] == 2


async def test_tools_of_two_servers_with_the_same_name_get_prefixes(server: DemoTools) -> None:
    entries = [entry(server, "left", allowed_tools=frozenset({"calculate"})), entry(server, "right")]
    async with MCPServers(entries) as servers:
        names = {tool.name for tool in servers.tools()}
        result = await run(servers, "right__calculate", expression="2 ** 10")
    assert {"left__calculate", "right__calculate", "convert_units"} <= names
    assert "calculate" not in names
    assert result.text == "1024"


async def test_only_allowed_tools_are_offered(server: DemoTools) -> None:
    async with MCPServers([entry(server, allowed_tools=frozenset({"calculate", "slow"}))]) as servers:
        assert [tool.name for tool in servers.tools()] == ["calculate", "slow"]


async def test_the_token_opens_the_server(locked: DemoTools) -> None:
    target = HTTPTarget(locked.url, SecretStr("right-token"))
    async with MCPServers([ServerEntry("demo", target)]) as servers:
        assert (await run(servers, "calculate", expression="1")).ok


async def test_a_wrong_token_is_named_as_the_reason_and_not_shown(
    locked: DemoTools, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    target = HTTPTarget(locked.url, SecretStr("wrong-token"))
    async with MCPServers([ServerEntry("demo", target)]) as servers:
        error = servers.status()[0].error
        shown = f"{servers.status()} {servers.listing()} {target}"
    assert error == "the server answered HTTP 401; is the server's auth_token_env right?"
    assert "wrong-token" not in shown + caplog.text


async def test_closing_leaves_no_task_and_fails_calls_under_way(server: DemoTools) -> None:
    before = asyncio.all_tasks()
    servers = MCPServers([entry(server), entry(server, "second")])
    await servers.open()
    call = asyncio.create_task(run(servers, "demo__hang"))
    await until(lambda: server.received()["tools/call hang"] == 1)
    started = time.perf_counter()
    await servers.close()
    result = await call
    assert time.perf_counter() - started < 4
    assert not result.ok
    assert asyncio.all_tasks() == before


async def test_a_cancelled_call_ends_at_the_server_too(server: DemoTools) -> None:
    async with MCPServers([entry(server)]) as servers:
        call = asyncio.create_task(run(servers, "hang"))
        await until(lambda: server.received()["tools/call hang"] == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: server.received()["cancelled hang"] == 1)
