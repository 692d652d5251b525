"""The MCP client as tests use it: entries for demo servers, calls by name, waiting, relays that break off or fall silent,
and a server in this process that answers as a test says."""

import asyncio
import gc
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

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
async def heartbeat() -> AsyncIterator[list[float]]:
    """The longest that the event loop was kept from others, in seconds of its own computing: machines may be busy.

    What thousands of other tests have left in this process is kept from the garbage collection, which would go through all of it.
    """
    longest = [0.0]
    gc.freeze()

    async def beat() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.005)
            now = time.thread_time()
            longest[0], last = max(longest[0], now - last), now

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0.02)
    try:
        yield longest
        await asyncio.sleep(0.02)
    finally:
        beating.cancel()
        gc.unfreeze()


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


class Reply(NamedTuple):
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class ScriptedServer:
    """An MCP server of the protocol of 2025 in this process, whose every answer a test may replace.

    `answers` maps a method to its result, to a JSON-RPC error (`{"error": {…}}`), to a whole message (`{"whole": …}`), to
    the HTTP status to refuse it with, to a body or a whole reply, or to a function of the request's params that gives one
    of these. `received` counts the methods that arrived. With sessions, `restart` forgets them. With `events`, answers
    come as a stream of one event. With `changes`, it says every so many seconds that its tools have changed. `lost` is the
    reply to a session that is not known, `stream` the one to a GET, which `received` counts as such.
    """

    def __init__(
        self, *, sessions: bool = False, events: bool = False, changes: float | None = None, **answers: Any
    ) -> None:
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
        self._events = events
        self._changes = changes
        self.lost, self.stream = Reply(404, {}), Reply(405, {})

    def restart(self) -> None:
        """No session is known any more."""
        self._session = uuid.uuid4().hex

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address."""
        serving: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            serving.add(task)
            task.add_done_callback(serving.discard)

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
            yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve_one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", head)
        message = json.loads(await reader.readexactly(int(length[1])) if length else b"{}")
        session = re.search(r"mcp-session-id: (\S+)", head)
        if head.startswith("get") and self._changes is not None:
            await self._tell_of_changes(writer, self._changes)
        reply = self._answer(message, session[1] if session else None)
        headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(reply.body))}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + reply.body)
        await writer.drain()

    async def _tell_of_changes(self, writer: asyncio.StreamWriter, seconds: float) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b'data: {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}\n\n')
            await writer.drain()
            await asyncio.sleep(seconds)

    def _answer(self, message: dict[str, Any], session: str | None) -> Reply:
        method = message.get("method")
        if method is None:
            self.received["GET"] += 1
            return self.stream
        self.received[method] += 1
        if session and session != self._session:
            return self.lost
        if "id" not in message:
            return Reply(202, {})
        reply = self._reply(message, self.answers[method])
        given = {"Mcp-Session-Id": self._session} if self._session and method == "initialize" else {}
        return reply._replace(headers={**given, **reply.headers})

    def _reply(self, message: dict[str, Any], answer: Any) -> Reply:
        answer = answer(message.get("params", {})) if callable(answer) else answer
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, int):
            return Reply(answer, {})
        if isinstance(answer, bytes):
            return Reply(200, {}, answer)
        if "whole" not in answer:
            content = answer if "error" in answer else {"result": answer}
            answer = {"whole": {"jsonrpc": "2.0", "id": message["id"], **content}}
        body = json.dumps(answer["whole"]).encode()
        if not self._events:
            return Reply(200, {}, body)
        return Reply(200, {"Content-Type": "text/event-stream"}, b"event: message\r\ndata: " + body + b"\r\n\r\n")


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
