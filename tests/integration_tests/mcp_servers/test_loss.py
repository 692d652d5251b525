"""Servers that break off, hang, die and come back."""

import asyncio
import time

from api.tools.mcp import MCPServers
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_link import PING_SECONDS
from api.tools.mcp_pace import Pace
from api.tools.running import run_tools
from api.tools.tool import ToolCall
from tests.support.demo_tools import DemoTools
from tests.support.mcp_clients import BACK_SECONDS, cutting_relay, entry, freezing_relay, named, run, until
from tests.support.processes import free_port


async def test_a_call_whose_connection_breaks_takes_no_other_call_with_it(server: DemoTools) -> None:
    async with cutting_relay(server, "hang") as url, MCPServers([ServerEntry("demo", HTTPTarget(url))]) as servers:
        calls = [ToolCall("counter", {"seconds": 1}), ToolCall("hang", {})]
        counted, hung = await run_tools(servers.tools(), calls, concurrent=True)
        assert "outcome is unknown" in (hung.error or "")
        assert counted.ok
    assert (server.received()["tools/call counter"], server.received()["tools/call hang"]) == (1, 1)


async def test_a_hanging_call_times_out_while_others_go_on(server: DemoTools) -> None:
    async with MCPServers([entry(server, timeout=1.0)]) as servers:
        calls = [ToolCall("hang", {}), *[ToolCall("calculate", {"expression": "6 * 7"})] * 5]
        hung, *others = await run_tools(servers.tools(), calls, concurrent=True)
        assert servers.status()[0].healthy
    assert hung.error == "hang gave no answer within 1 s; the call was cancelled"
    assert [result.text for result in others] == ["42"] * 5
    assert all(result.duration < 1 for result in others)


async def test_a_server_that_is_down_at_start_is_used_once_it_is_up(mortal: DemoTools) -> None:
    mortal.kill()
    async with MCPServers([entry(mortal)]) as servers:
        assert servers.tools() == []
        assert not servers.status()[0].healthy
        await mortal.start_meanwhile()
        assert await until(lambda: servers.status()[0].healthy) < BACK_SECONDS
        assert (await run(servers, "calculate", expression="1 + 1")).text == "2"


async def test_a_call_whose_server_was_killed_is_never_sent_twice(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal)]) as servers:
        call = asyncio.create_task(run(servers, "counter", seconds=30))
        await until(lambda: mortal.received()["tools/call counter"] == 1)
        mortal.kill()
        result = await call
        await mortal.start_meanwhile()
        assert await until(lambda: servers.status()[0].healthy) < BACK_SECONDS
        assert (await run(servers, "counter")).text == "1"  # The new process has counted this call alone.
    assert not result.ok
    assert "outcome is unknown" in (result.error or "")
    assert mortal.received()["tools/call counter"] == 2


async def test_an_idempotent_call_whose_connection_broke_is_sent_once_more(server: DemoTools) -> None:
    async with (
        cutting_relay(server, "slow", times=1) as url,
        MCPServers([ServerEntry("demo", HTTPTarget(url))]) as servers,
    ):
        result = await run(servers, "slow", seconds=1)
    assert (result.ok, result.text) == (True, "waited 1 s")
    assert server.received()["tools/call slow"] == 2


async def test_an_idempotent_call_is_not_sent_a_third_time(server: DemoTools) -> None:
    async with cutting_relay(server, "slow") as url, MCPServers([ServerEntry("demo", HTTPTarget(url))]) as servers:
        result = await run(servers, "slow", seconds=1)
    assert "outcome is unknown" in (result.error or "")
    assert server.received()["tools/call slow"] == 2


async def test_annotations_that_are_not_trusted_do_not_repeat_a_call(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal, trust_annotations=False)]) as servers:
        call = asyncio.create_task(run(servers, "slow", seconds=30))
        await until(lambda: mortal.received()["tools/call slow"] == 1)
        mortal.kill()
        assert "outcome is unknown" in ((await call).error or "")
        await mortal.start_meanwhile()
        await until(lambda: servers.status()[0].healthy)
    assert mortal.received()["tools/call slow"] == 1


async def test_the_first_call_after_a_restart_between_calls_just_works(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal)]) as servers:
        assert (await run(servers, "counter")).text == "1"
        mortal.kill()
        await mortal.start_meanwhile()
        assert (await run(servers, "counter")).text == "1"
    assert mortal.received()["tools/call counter"] == 2


async def test_the_tools_are_listed_again_after_a_reconnect(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal)]) as servers:
        mortal.kill()
        await until(lambda: not servers.status()[0].healthy)
        await mortal.start_meanwhile()
        await until(lambda: servers.status()[0].healthy)
    assert mortal.received()["tools/list"] == 2


async def test_a_call_while_the_server_is_down_says_so(mortal: DemoTools) -> None:
    async with MCPServers([entry(mortal)]) as servers:
        calculate = named(servers, "calculate")
        mortal.kill()
        result = await calculate.run({"expression": "1"})
        status = servers.status()[0]
        listing = servers.listing()
    assert "the server demo cannot be reached at present" in (result.error or "")
    assert result.duration < 7
    assert (status.healthy, "calculate" in status.tools) == (False, True)
    assert [tool["healthy"] for tool in listing if tool["name"] == "calculate"] == [False]


async def test_a_server_that_falls_silent_is_noticed_without_a_call(
    server: DemoTools,
) -> None:
    assert Pace().rare_ping <= 30
    async with (
        freezing_relay(server) as (url, freeze),
        MCPServers([ServerEntry("demo", HTTPTarget(url))], pace=Pace(rare_ping=0.5)) as servers,
    ):
        await asyncio.sleep(1.2)
        assert servers.status()[0].healthy
        freeze()
        assert await until(lambda: not servers.status()[0].healthy) < 0.5 + PING_SECONDS + 1


async def test_a_server_that_tells_of_its_end_is_hardly_ever_asked(server: DemoTools) -> None:
    async with MCPServers([entry(server)]):
        await asyncio.sleep(4)
    assert server.received()["server/discover"] == 1


async def test_closing_in_the_midst_of_connecting_is_not_lost() -> None:
    took = []
    for moment in range(40):
        servers = MCPServers([ServerEntry("nobody", HTTPTarget(f"http://127.0.0.1:{free_port()}/mcp"))])
        await servers.open()
        # Attempts begin a tenth and three tenths of a second after the first: these moments lie in and around them.
        await asyncio.sleep(0.19 + moment * 0.0005)
        started = time.perf_counter()
        await servers.close()
        took.append(time.perf_counter() - started)
    assert max(took) < 2
