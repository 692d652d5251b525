"""The MCP client as tests use it: entries for demo servers, calls by name, waiting, relays that break off or fall silent,
and a server in this process that answers as a test says."""

import asyncio
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from mcp_types import METHOD_NOT_FOUND

from api.tools.mcp import MCPServers
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.running import run_tools
from api.tools.tool import Tool, ToolCall, ToolResult
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


class ScriptedServer:
    """An MCP server of the protocol of 2025 in this process, whose every answer a test may replace.

    `answers` maps a method to its result, to a JSON-RPC error (`{"error": {…}}`), to the HTTP status to refuse it with
    or to a body of its own. `received` counts the methods that arrived. With sessions, `restart` forgets them.
    """

    def __init__(self, *, sessions: bool = False, **answers: Any) -> None:
        self.received: Counter[str] = Counter()
        self.answers: dict[str, Any] = {
            "server/discover": {"error": {"code": METHOD_NOT_FOUND, "message": "Method not found"}},
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "scripted", "version": "1"},
            },
            "ping": {},
            "tools/list": {"tools": [{"name": "act", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "done"}]},
        } | {name.replace("_", "/"): answer for name, answer in answers.items()}
        self._session = uuid.uuid4().hex if sessions else None

    def restart(self) -> None:
        """No session is known any more."""
        self._session = uuid.uuid4().hex

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as listener:
            yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", head)
        message = json.loads(await reader.readexactly(int(length[1])) if length else b"{}")
        session = re.search(r"mcp-session-id: (\S+)", head)
        status, body = self._answer(message, session[1] if session else None)
        given = (
            f"Mcp-Session-Id: {self._session}\r\n" if self._session and message.get("method") == "initialize" else ""
        )
        writer.write(
            f"HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\n{given}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(body)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    def _answer(self, message: dict[str, Any], session: str | None) -> tuple[int, bytes]:
        method = message.get("method")
        if method is None:
            return 405, b""
        self.received[method] += 1
        if session and session != self._session:
            return 404, b""
        if "id" not in message:
            return 202, b""
        answer = self.answers[method]
        if isinstance(answer, int):
            return answer, b""
        if isinstance(answer, bytes):
            return 200, answer
        answer = answer if "error" in answer else {"result": answer}
        return 200, json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}).encode()


@asynccontextmanager
async def freezing_relay(demo: DemoTools) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """The address of a relay to the server, and what lets it fall silent: nothing is sent any more, nothing closed.

    What it held back is never sent: it would reach the server in the midst of the next test.
    """
    thawed, over = asyncio.Event(), asyncio.Event()
    thawed.set()

    async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await thawed.wait()
            if over.is_set():
                break
            target.write(data)
        target.close()

    async def relay(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        await thawed.wait()
        if over.is_set():
            answer.close()
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", demo.port)
        streams.update({answer, writer})
        await asyncio.gather(forward(client, writer), forward(reader, answer), return_exceptions=True)

    streams: set[asyncio.StreamWriter] = set()
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp", thawed.clear
        over.set()
        thawed.set()
    for stream in streams:
        stream.close()
        with suppress(OSError):
            await stream.wait_closed()
