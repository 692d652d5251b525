"""Servers that are programs of their own."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from api.tools.mcp import MCPServers
from api.tools.mcp_config import ServerEntry, StdioTarget
from api.tools.mcp_connection import Pace
from tests.support.demo_tools import received
from tests.support.mcp_clients import BACK_SECONDS, run, until
from tests.support.processes import ROOT

# The demo tools' own start, on a machine that is busy: Python imports the whole MCP server.
PYTHON_SECONDS = 8.0


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def stdio_entry(log: Path, **changes: Any) -> ServerEntry:
    arguments = ("-m", "demo.tools", "--stdio", "--extra", "--request-log", str(log))
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
        await until(lambda: not servers.status()[0].healthy)
        assert await until(lambda: servers.status()[0].healthy, seconds=20) < BACK_SECONDS + PYTHON_SECONDS
        assert (await run(servers, "counter")).text == "1"
    assert received(log).count("tools/call counter") == 2


# An MCP server of the protocol of 2025 that is ready at once: what its restarts take beyond that is ours.
QUICK = """
import json, sys
ANSWERS = {
    "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "q", "version": "1"}},
    "tools/list": {"tools": [{"name": "act", "inputSchema": {"type": "object"}}]},
    "ping": {},
}
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        unknown = {"error": {"code": -32601, "message": "?"}}
        answer = {"result": ANSWERS[message["method"]]} if message["method"] in ANSWERS else unknown
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


async def test_a_child_that_ends_three_times_in_a_row_is_back_within_two_seconds_each_time() -> None:
    before = children()
    quick = ServerEntry("quick", StdioTarget(sys.executable, ("-I", "-S", "-c", QUICK)))
    took = []
    async with MCPServers([quick]) as servers:
        await until(lambda: servers.status()[0].healthy)
        for _ in range(3):
            [child] = children() - before
            os.kill(child, 9)
            await until(lambda: not servers.status()[0].healthy)
            took.append(await until(lambda: servers.status()[0].healthy))
            assert [tool.name for tool in servers.tools()] == ["act"]
    assert max(took) < BACK_SECONDS


async def test_a_program_that_keeps_ending_is_started_later_each_time(
    tmp_path: Path,
) -> None:
    starts = tmp_path / "starts"
    ending = ServerEntry("ending", StdioTarget("/bin/sh", ("-c", f"echo x >> {starts}")))
    async with MCPServers([ending], pace=Pace(first_delay=0.05)):
        await asyncio.sleep(3.5)
    # After 0.1, 0.2, 0.4, 0.8 and 1.6 s, and what the attempts themselves take.
    assert 3 <= len(starts.read_text().split()) <= 6


async def test_a_command_that_does_not_exist_is_no_reason_not_to_start() -> None:
    async with MCPServers([ServerEntry("absent", StdioTarget("no-such-program"))]) as servers:
        status = servers.status()[0]
    assert not status.healthy
    assert "no-such-program" in (status.error or "")
