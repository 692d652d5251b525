"""Servers that are programs of their own."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from api.tools import MCPServers
from api.tools.mcp_config import ServerEntry, StdioTarget
from tests.support.demo_tools import received
from tests.support.mcp_clients import run, until
from tests.support.processes import ROOT


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
