"""The MCP client against the real demo tools server: over sockets and stdio, down, killed, hanging and back again."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from api.tools import MCPServers, Tool, ToolCall, ToolResult, run_tools
from api.tools.mcp_config import HTTPTarget, ServerEntry, StdioTarget
from tests.support.demo_tools import DemoTools, received
from tests.support.processes import ROOT

BACK_SECONDS = 2.0


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("demo_tools"))
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def server(lasting: DemoTools) -> DemoTools:
    """One server for all tests that leave it in peace; it counts from the beginning of the test."""
    lasting.forget()
    return lasting


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[DemoTools]:
    """A server of the test's own, to kill."""
    demo = DemoTools(tmp_path)
    demo.start()
    yield demo
    demo.stop()


def entry(demo: DemoTools, name: str = "demo", **changes: Any) -> ServerEntry:
    return ServerEntry(name, HTTPTarget(demo.url), **changes)


def named(servers: MCPServers, name: str) -> Tool:
    return next(tool for tool in servers.tools() if tool.name == name)


async def run(servers: MCPServers, name: str, /, **arguments: Any) -> ToolResult:
    [result] = await run_tools(servers.tools(), [ToolCall(name, arguments)], concurrent=False)
    return result


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Waits for the condition; how long that took, in seconds."""
    started = time.perf_counter()
    while not condition():
        assert time.perf_counter() - started < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.01)
    return time.perf_counter() - started


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


@asynccontextmanager
async def cutting_relay(demo: DemoTools, tool: str, times: int = 100) -> AsyncIterator[str]:
    """The address of a relay to the server that breaks a connection once a call of the tool has arrived over it, so many times."""
    cuts = 0

    def arrived() -> bool:
        return demo.received()[f"tools/call {tool}"] >= cuts

    async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter, back: asyncio.StreamWriter) -> None:
        nonlocal cuts
        while data := await source.read(65_536):
            target.write(data)
            if data.startswith(b"POST") and f'"{tool}"'.encode() in data and cuts < times:
                cuts += 1
                await until(arrived)
                back.transport.abort()
                break
        target.close()

    async def relay(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", demo.port)
        streams.update({answer, writer})
        await asyncio.gather(forward(client, writer, answer), forward(reader, answer, writer), return_exceptions=True)

    streams: set[asyncio.StreamWriter] = set()
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"
    for stream in streams:
        stream.close()
        with suppress(OSError):
            await stream.wait_closed()


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


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("locked"), token="right-token")
    demo.start()
    yield demo
    demo.stop()


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


@pytest.fixture(scope="module")
def lasting_older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("older"), "--older-protocol")
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def older(lasting_older: DemoTools) -> DemoTools:
    """A server that knows only the protocol with sessions, in which nothing tells a client that the server is gone."""
    lasting_older.forget()
    return lasting_older


@pytest.fixture
def mortal_older(tmp_path: Path) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path, "--older-protocol")
    demo.start()
    yield demo
    demo.stop()


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


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def stdio_entry(log: Path, **changes: Any) -> ServerEntry:
    arguments = ("-m", "local_stack.demo_tools", "--stdio", "--extra", "--request-log", str(log))
    environment = {"PYTHONPATH": SecretStr(str(ROOT))}
    return ServerEntry("child", StdioTarget(sys.executable, arguments, environment), **changes)


async def test_a_child_answers_over_stdio_and_ends_with_the_servers(tmp_path: Path) -> None:
    before = children()
    async with MCPServers([stdio_entry(tmp_path / "log")]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        [child] = children() - before
        assert (await run(servers, "calculate", expression="7 * 6")).text == "42"
    assert not psutil.pid_exists(child)


async def test_a_killed_child_is_started_again_and_its_call_not_repeated(tmp_path: Path) -> None:
    before = children()
    log = tmp_path / "log"
    async with MCPServers([stdio_entry(log)]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        call = asyncio.create_task(run(servers, "counter", seconds=30))
        await until(lambda: received(log).count("tools/call counter") == 1)
        [child] = children() - before
        os.kill(child, 9)
        assert "outcome is unknown" in ((await call).error or "")
        await until(lambda: servers.status()[0].healthy, seconds=20)
        assert (await run(servers, "counter")).text == "1"
    assert received(log).count("tools/call counter") == 2


async def test_a_command_that_does_not_exist_is_no_reason_not_to_start() -> None:
    async with MCPServers([ServerEntry("absent", StdioTarget("no-such-program"))]) as servers:
        status = servers.status()[0]
    assert not status.healthy
    assert "no-such-program" in (status.error or "")


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
