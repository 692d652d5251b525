"""Servers that are programs of their own."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from api.tools.mcp import MCPServers
from api.tools.mcp_config import ServerEntry, StdioTarget
from api.tools.mcp_pace import Pace
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


# Such a server, whose tool's answer is `result`; a line that is no message goes before each of its messages.
ANSWERING = (
    QUICK.replace('"ping": {},', '"ping": {}, "tools/call": None,')
    .replace(
        'ANSWERS[message["method"]]}', '(RESULT if message["method"] == "tools/call" else ANSWERS[message["method"]])}'
    )
    .replace("print(json", 'print("", "hello", sep="\\n"); print(json')
)


def answering(result: str, *, id_last: bool = False) -> ServerEntry:
    program = ANSWERING.replace("RESULT", result)
    if id_last:
        whole = '{"jsonrpc": "2.0", "id": message["id"], **answer}'
        program = program.replace(whole, '{**answer, "jsonrpc": "2.0", "id": message["id"]}')
    return ServerEntry("answering", StdioTarget(sys.executable, ("-I", "-S", "-c", program)))


@pytest.mark.parametrize("id_last", [False, True])
@pytest.mark.parametrize(
    ("result", "error"),
    [
        (
            '{"content": [{"type": "text", "text": "x" * 70_000_000}]}',
            "the tool ran, but its answer is longer than 67,108,864 bytes, the most that is read",
        ),
        (
            '{"structuredContent": [[]] * 1_000_000}',
            "the tool ran, but its answer has more than 500,000 parts, the most that are read",
        ),
    ],
)
async def test_a_line_that_is_more_than_is_read_fails_its_call_and_nothing_else(
    result: str, error: str, *, id_last: bool
) -> None:
    before = children()
    async with MCPServers([answering(result, id_last=id_last)]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        [child] = children() - before
        assert (await run(servers, "act")).error == error
        assert servers.status()[0].healthy
        assert children() - before == {child}


async def test_a_line_that_never_ends_takes_no_memory_to_speak_of() -> None:
    endless = "[sys.stdout.write('x' * 1_000_000) for _ in range(400)]"
    process = psutil.Process()
    async with MCPServers([answering(endless)]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        memory = process.memory_info().rss
        call = asyncio.create_task(run(servers, "act"))
        await until(lambda: call.done(), seconds=60)
        assert process.memory_info().rss - memory < 250_000_000
    assert "outcome is unknown" in (call.result().error or "")


@pytest.mark.parametrize(
    ("result", "text"), [("None", ""), ('"said"', '"said"'), ('{"structuredContent": {"n": 1}}', '{"n": 1}')]
)
async def test_a_childs_answer_of_another_form_is_told(result: str, text: str) -> None:
    async with MCPServers([answering(result)]) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        answer = await run(servers, "act")
    assert (answer.ok, answer.text) == (True, text)


async def test_a_child_that_does_not_leave_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    before = children()
    stubborn = (
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); subprocess.Popen(['sleep', '600'])"
    )
    program = stubborn + QUICK + "\nimport time\ntime.sleep(600)"
    async with MCPServers(
        [ServerEntry("stubborn", StdioTarget(sys.executable, ("-I", "-S", "-c", program)))]
    ) as servers:
        await until(lambda: servers.status()[0].healthy, seconds=20)
        assert len(children() - before) == 2
    assert children() - before == set()
