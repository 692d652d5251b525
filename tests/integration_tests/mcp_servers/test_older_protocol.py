"""Servers that know only the protocol with sessions."""

import asyncio

from api.tools.mcp import MCPServers
from tests.support.demo_tools import DemoTools
from tests.support.mcp_clients import BACK_SECONDS, entry, run, until


async def test_an_older_server_is_called_in_its_own_protocol(older: DemoTools) -> None:
    async with MCPServers([entry(older)]) as servers:
        assert (await run(servers, "calculate", expression="6 * 7")).text == "42"
    assert (older.received()["initialize"], older.received()["tools/list"]) == (1, 1)


async def test_an_older_server_that_was_restarted_gets_the_next_call_in_a_new_session(mortal_older: DemoTools) -> None:
    async with MCPServers([entry(mortal_older)]) as servers:
        assert (await run(servers, "counter")).text == "1"
        mortal_older.kill()
        await mortal_older.start_meanwhile()
        assert (await run(servers, "counter")).text == "1"
    assert mortal_older.received()["tools/call counter"] == 2


async def test_an_older_server_that_is_gone_is_noticed_without_a_call(mortal_older: DemoTools) -> None:
    async with MCPServers([entry(mortal_older)]) as servers:
        mortal_older.kill()
        await until(lambda: not servers.status()[0].healthy, seconds=8)
        await mortal_older.start_meanwhile()
        assert await until(lambda: servers.status()[0].healthy) < BACK_SECONDS


async def test_an_older_server_killed_in_a_call_does_not_get_it_again(mortal_older: DemoTools) -> None:
    async with MCPServers([entry(mortal_older)]) as servers:
        call = asyncio.create_task(run(servers, "counter", seconds=30))
        await until(lambda: mortal_older.received()["tools/call counter"] == 1)
        mortal_older.kill()
        assert "outcome is unknown" in ((await call).error or "")
        await mortal_older.start_meanwhile()
        assert (await run(servers, "counter")).text == "1"
    assert mortal_older.received()["tools/call counter"] == 2


async def test_an_older_server_tells_of_changed_tools_too(older: DemoTools) -> None:
    async with MCPServers([entry(older)]) as servers:
        await run(servers, "add_tool", name="newcomer")
        await until(lambda: "newcomer" in {tool.name for tool in servers.tools()})
    assert older.received()["tools/list"] == 2


async def test_a_call_that_timed_out_is_cancelled_at_an_older_server_too(older: DemoTools) -> None:
    async with MCPServers([entry(older, timeout=0.5)]) as servers:
        assert not (await run(servers, "hang")).ok
        await until(lambda: older.received()["cancelled hang"] == 1)
