"""The MCP client as tests use it: entries for demo servers, calls by name, waiting, and a relay that breaks connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from api.tools import MCPServers, Tool, ToolCall, ToolResult, run_tools
from api.tools.mcp_config import HTTPTarget, ServerEntry
from tests.support.demo_tools import DemoTools

BACK_SECONDS = 2.0


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
