"""One MCP server: a task that owns its session from opening to closing, reconnects, and keeps the list of its tools.

The client's cancel scopes must be entered and left by one task, so this task alone opens and closes; calls come from
other tasks and only borrow the client while `_ready` is set.

How a loss is noticed: an HTTP server of the newer protocol by the end of the stream on which we listen for changes, a
child by the end of its output, both at once, and by a ping every `Pace.rare_ping`, for one that vanishes without a
word; an older HTTP server, which pushes nothing reliable, by a ping every `Pace.ping`; any server by a call that
fails. Whatever raises the suspicion, a ping settles it.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from mcp import Client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError

from api.tools.mcp_calls import AccessLostError, CallLostError, call_tool
from api.tools.mcp_config import HTTPTarget, ServerEntry
from api.tools.mcp_fate import Fate, describe, is_refusal
from api.tools.mcp_link import Link, Pulse, is_modern, take_pulse
from api.tools.mcp_listing import ListedTool, Listing, list_tools
from api.tools.mcp_pace import Pace
from api.tools.tool import ToolFailure

logger = logging.getLogger(__name__)

LISTEN_AGAIN_SECONDS = 1.0
# How long a call waits for a server that is just restarting.
RECONNECT_SECONDS = 5.0
# The tool's own time-out comes first, and cancels; the client's stands behind it.
CLIENT_MARGIN = 5.0
# A child gets 2 s to leave by itself, 2 s after SIGTERM, then SIGKILL: the client's own limits, and a margin.
CLOSE_SECONDS = 8.0


class LostServerError(Exception):
    """The session is of no use any more."""


class MCPConnection:
    """Keeps one server connected. `on_tools` is called whenever the list of its tools was read."""

    def __init__(self, entry: ServerEntry, on_tools: Callable[[], None], pace: Pace) -> None:
        self.entry = entry
        self._pace = pace
        self._listing = Listing()
        self.error: str | None = None
        self.tried = asyncio.Event()
        self._on_tools = on_tools
        self._link = Link(entry)
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._changed, self._suspicion, self._wake = False, False, asyncio.Event()
        self._listening = False
        self._under_way = 0
        self._closing = False
        self._ready_since = math.inf
        self._lost_at = self._listed_at = -math.inf
        self._owner: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """Connected, and not under suspicion."""
        return self._ready.is_set()

    @property
    def tools(self) -> Collection[ListedTool]:
        """What the server listed last, in its order."""
        return self._listing.tools.values()

    @property
    def left_out(self) -> Mapping[str, str]:
        """Those of its tools that cannot be offered, and why."""
        return self._listing.left_out

    @property
    def offered(self) -> bool:
        """Whether a model should be told of the tools: the server is there, or was a moment ago."""
        return self.healthy or time.monotonic() - self._lost_at < self._pace.offered_after_loss

    def open(self) -> None:
        """Starts connecting, and returns at once."""
        self._owner = asyncio.create_task(self._keep_connected(), name=f"mcp:{self.entry.name}")

    async def close(self) -> None:
        """Ends the session, and the child if the server is one; calls under way fail."""
        self._closing = True
        if self._owner:
            self._owner.cancel()
            await asyncio.wait([self._owner], timeout=CLOSE_SECONDS)
        await self._link.close()

    async def call(self, tool: ListedTool, arguments: Mapping[str, Any], *, idempotent: bool) -> str:
        """The tool's answer. A call is sent again, once, if it was never sent or is idempotent. Raises ToolFailure."""
        try:
            return await self._call(tool, arguments)
        except CallLostError as lost:
            if lost.fate is Fate.UNKNOWN and not idempotent:
                raise ToolFailure(_unknown(lost, sent="once")) from None
        try:
            return await self._call(tool, arguments)
        except CallLostError as lost:
            if lost.fate is Fate.UNKNOWN:
                raise ToolFailure(_unknown(lost, sent="at most twice")) from None
            raise ToolFailure(self._unreachable(str(lost))) from None

    async def _call(self, tool: ListedTool, arguments: Mapping[str, Any]) -> str:
        client = await self._connected()
        self._under_way += 1
        try:
            limit = self.entry.timeout + CLIENT_MARGIN
            return await call_tool(client, tool.name, arguments, limit, tool.output_check)
        except CallLostError:
            self._lose()
            self._suspect()
            raise
        except AccessLostError:
            self._suspect()
            raise
        except asyncio.CancelledError:
            # Most likely its time was up. The server may be gone without a word, so it is asked.
            self._suspect()
            raise
        finally:
            self._under_way -= 1

    async def _connected(self) -> Client:
        with suppress(TimeoutError):
            async with asyncio.timeout(RECONNECT_SECONDS):
                await self._ready.wait()
        if self._client is None or not self._ready.is_set():
            raise ToolFailure(self._unreachable(self.error))
        return self._client

    def _unreachable(self, reason: str | None) -> str:
        return (
            f"the server {self.entry.name} cannot be reached at present ({reason or 'not connected'}); nothing was done"
        )

    def _lose(self) -> None:
        """No call may begin until the server has answered again; its tools are still offered for a while."""
        if self._ready.is_set():
            self._ready.clear()
            self._lost_at = time.monotonic()

    def _suspect(self) -> None:
        self._suspicion = True
        self._wake.set()

    def _change(self) -> None:
        self._changed = True
        self._wake.set()

    async def _keep_connected(self) -> None:
        delay = self._pace.first_delay
        # The client may turn a cancellation in the midst of connecting into an error of its own; the flag is not lost.
        while True:
            longest = (
                self._pace.longest_delay_http
                if isinstance(self.entry.target, HTTPTarget)
                else self._pace.longest_delay_child
            )
            self._ready_since = math.inf
            try:
                await self._session()
            except Exception as problem:  # noqa: BLE001  whatever ended the session, the next one is due
                self._note_failure(describe(problem))
                longest = self._pace.longest_delay_refused if is_refusal(problem) else longest
            if self._closing:
                return
            stable = time.monotonic() - self._ready_since > self._pace.stable
            delay = self._pace.first_delay if stable else min(delay * 2, longest)
            await asyncio.sleep(delay)

    async def _session(self) -> None:
        self._changed = self._suspicion = self._listening = False
        self._listed_at = -math.inf
        async with self._link.open(self._change, self._suspect) as client, asyncio.TaskGroup() as group:
            self._client = client
            listener = group.create_task(self._listen(client))
            try:
                await self._tend(client)
            finally:
                self._client = None
                self._lose()
                listener.cancel()

    def _note_failure(self, problem: str) -> None:
        """Only the first failure of a row is a warning."""
        was_connected = self.tried.is_set() and self.error is None
        level = logging.WARNING if was_connected or not self.tried.is_set() else logging.DEBUG
        logger.log(level, "MCP server %s: %s; trying again until it is back", self.entry.name, problem)
        self.error = problem
        self.tried.set()

    async def _tend(self, client: Client) -> None:
        """Reads the tools when they have changed, takes the pulse when in doubt. Raises when the server is gone."""
        while True:
            idle = not await self._woken()
            if self._changed:
                await asyncio.sleep(self._listed_at + self._pace.listing - time.monotonic())
                await self._read_tools(client)
            if self._suspicion or idle:
                await self._take_pulse(client)

    async def _woken(self) -> bool:
        """Waits for something to do; False if it is time for a ping: a rare one where we would be told of most losses."""
        told = self._listening or not isinstance(self.entry.target, HTTPTarget)
        try:
            async with asyncio.timeout(self._pace.rare_ping if told else self._pace.ping):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _read_tools(self, client: Client) -> None:
        self._changed = False
        self._listed_at = time.monotonic()
        listing = await list_tools(client, self.entry.allowed_tools, self._listing)
        self._note_left_out(listing.left_out)
        self._listing = listing
        if self.error or not self.tried.is_set():
            logger.info("MCP server %s: connected, %d tools", self.entry.name, len(self.tools))
        self.error = None
        self._on_tools()
        self._ready.set()
        self._ready_since = min(self._ready_since, time.monotonic())
        self.tried.set()

    def _note_left_out(self, left_out: Mapping[str, str]) -> None:
        """Only what was not left out the last time is a warning."""
        for name, reason in left_out.items():
            level = logging.DEBUG if self.left_out.get(name) == reason else logging.WARNING
            logger.log(level, "MCP server %s: tool %s is left out: %s", self.entry.name, name, reason)

    async def _take_pulse(self, client: Client) -> None:
        self._suspicion = False
        pulse = await take_pulse(client)
        # A server that is busy with a call of ours may be slow to answer; the call has a time-out of its own.
        if pulse is Pulse.GONE or (pulse is Pulse.SLOW and not self._under_way):
            raise LostServerError("the connection was lost" if pulse is Pulse.GONE else "it no longer answers")
        if not self._suspicion:
            self._ready.set()

    async def _listen(self, client: Client) -> None:
        """Hears of changes while the session lasts. The first list of tools is read once this listens, or cannot."""
        while is_modern(client):
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    self._listening = bool(changes.honored.tools_list_changed)
                    self._change()
                    async for _ in changes:
                        self._change()
            except (MCPError, SubscriptionLost, TimeoutError):
                if not self._listening:
                    break
            self._listening = False
            self._suspect()
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)
        self._change()


def _unknown(lost: CallLostError, *, sent: str) -> str:
    return (
        f"the connection to the server was lost during the call ({lost}): the outcome is unknown, it may have been "
        f"carried out; it was sent {sent} and will not be sent again"
    )
