"""The official MCP client on its way to one server: opening it, listing tools, asking whether it still answers."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from types import TracebackType
from typing import Self

from mcp import Client, StdioServerParameters
from mcp.client.session import IncomingMessage
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import REQUEST_TIMEOUT, Implementation, Tool, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from api.tools.mcp_config import HTTPTarget, ServerEntry, StdioTarget
from api.tools.mcp_http import MAX_RESULT_BYTES, Fate, FateTransport, build_http_client, fate_of

# For everything but tool calls, which bring their own: a server that needs longer to list its tools is not usable.
ANSWER_SECONDS = 10.0
PING_SECONDS = 2.0
MAX_PAGES = 100
CLIENT_INFO = Implementation(name="reasoning-agent-api", version="1")

Incoming = ReadStream[SessionMessage | Exception]
Streams = tuple[Incoming, WriteStream[SessionMessage]]


class Pulse(Enum):
    """Whether a server answers: that it is slow is no proof that it is gone."""

    ALIVE = "alive"
    SLOW = "slow"
    GONE = "gone"


class Link:
    """Opens the client for one server, again and again if need be. One HTTP client serves all of its sessions."""

    def __init__(self, entry: ServerEntry) -> None:
        self._target = entry.target
        if isinstance(entry.target, HTTPTarget):
            token = entry.target.token
            self._fate = FateTransport()
            self._http = build_http_client(self._fate, token.get_secret_value() if token else None)

    @asynccontextmanager
    async def open(self, on_change: Callable[[], None], on_end: Callable[[], None]) -> AsyncIterator[Client]:
        """A connected client.

        `on_change`: a server of an older protocol says that its tools have changed; `on_end`: a child's output ended.
        """

        async def hear(message: IncomingMessage) -> None:
            if isinstance(message, ToolListChangedNotification):
                on_change()

        self._establish(established=False)
        async with Client(
            self._transport(on_end),
            read_timeout_seconds=ANSWER_SECONDS,
            message_handler=hear,
            client_info=CLIENT_INFO,
            cache=None,
        ) as client:
            self._establish(established=True)
            yield client

    async def close(self) -> None:
        """Closes the HTTP connections."""
        if isinstance(self._target, HTTPTarget):
            await self._http.aclose()

    def _establish(self, *, established: bool) -> None:
        if isinstance(self._target, HTTPTarget):
            self._fate.established = established

    def _transport(self, on_end: Callable[[], None]) -> AbstractAsyncContextManager[Streams]:
        if isinstance(self._target, HTTPTarget):
            return streamable_http_client(self._target.url, http_client=self._http, max_sse_event_size=MAX_RESULT_BYTES)
        return _child(self._target, on_end)


@asynccontextmanager
async def _child(target: StdioTarget, on_end: Callable[[], None]) -> AsyncIterator[Streams]:
    secrets = {name: value.get_secret_value() for name, value in (target.environment or {}).items()}
    parameters = StdioServerParameters(command=target.command, args=list(target.args), env=secrets)
    # The process's own standard error, whatever stands in for it in this interpreter: a child needs a real file.
    async with stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr) as (incoming, outgoing):
        yield _Observed(incoming, on_end), outgoing


class _Observed:
    """Incoming messages; says at once when there will be no more, which the client itself tells only to open calls."""

    def __init__(self, stream: Incoming, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    async def receive(self) -> SessionMessage | Exception:
        return await self._stream.receive()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._on_end()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def is_modern(client: Client) -> bool:
    """Whether they speak a protocol in which a client subscribes to changes and each request stands alone."""
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS


async def list_tools(client: Client) -> list[Tool]:
    """All pages of the server's tools."""
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


async def take_pulse(client: Client) -> Pulse:
    """Asks the cheapest thing that the protocol has: a ping or, since that is gone from the newer one, a discovery."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await (
                client.session.send_discover(client.protocol_version)
                if is_modern(client)
                else client.session.send_ping()
            )
    except TimeoutError:
        return Pulse.SLOW
    except MCPError as problem:
        if problem.code == REQUEST_TIMEOUT:
            return Pulse.SLOW
        return Pulse.GONE if fate_of(problem.error) in (Fate.NOT_SENT, Fate.UNKNOWN) else Pulse.ALIVE
    return Pulse.ALIVE
