"""The official MCP client on its way to one server: opening it, asking whether it still answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum

from mcp import Client
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import REQUEST_TIMEOUT, Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from api.tools.mcp_child import child
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_envelope import MAX_RESULT_BYTES
from api.tools.mcp_fate import Fate, fate_of
from api.tools.mcp_http import FateTransport, build_http_client
from api.tools.mcp_wire import Streams, round_the_models

# For everything but tool calls, which bring their own: a server that needs longer to list its tools is not usable.
ANSWER_SECONDS = 10.0
PING_SECONDS = 2.0
CLIENT_INFO = Implementation(name="reasoning-agent-api", version="1")


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
            self._streams(on_end),
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

    @asynccontextmanager
    async def _streams(self, on_end: Callable[[], None]) -> AsyncIterator[Streams]:
        async with self._transport() as streams:
            yield round_the_models(streams, on_end if not isinstance(self._target, HTTPTarget) else lambda: None)

    def _transport(self) -> AbstractAsyncContextManager[Streams]:
        if isinstance(self._target, HTTPTarget):
            return streamable_http_client(self._target.url, http_client=self._http, max_sse_event_size=MAX_RESULT_BYTES)
        return child(self._target)


def is_modern(client: Client) -> bool:
    """Whether they speak a protocol in which a client subscribes to changes and each request stands alone."""
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS


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
        gone = (Fate.NOT_SENT, Fate.UNKNOWN, Fate.NO_ACCESS)
        return Pulse.GONE if fate_of(problem.error) in gone else Pulse.ALIVE
    return Pulse.ALIVE
