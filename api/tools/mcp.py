"""All configured MCP servers: their tools under one roof, with names that do not collide."""

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Self

from mcp_types import Tool as RemoteTool

from api.tools.mcp_config import ServerEntry
from api.tools.mcp_connection import MCPConnection, Pace
from api.tools.schema import ToolSchemaError
from api.tools.tool import MAX_RESULT_CHARACTERS, Tool

logger = logging.getLogger(__name__)

# A start waits this long for servers that are there, so that the first request has their tools; others connect later.
FIRST_CONNECT_SECONDS = 2.0
_USUAL_PACE = Pace()


class ServerStatus(NamedTuple):
    """One server as `GET /tools` shows it; `error` is why it is not healthy, or was not last time.

    `left_out` holds the tools that cannot be offered, by the server's own names, and why.
    """

    name: str
    healthy: bool
    error: str | None
    tools: list[str]
    left_out: dict[str, str]


class MCPServers:
    """Opened and closed by whoever opened it, in one call each; everything between is safe from any task."""

    def __init__(
        self,
        entries: Sequence[ServerEntry],
        max_result_characters: int = MAX_RESULT_CHARACTERS,
        pace: Pace = _USUAL_PACE,
    ) -> None:
        self._connections = [MCPConnection(entry, self._rebuild, pace) for entry in entries]
        self._max_characters = max_result_characters
        self._tools: list[tuple[MCPConnection, Tool]] = []
        self._left_out: list[tuple[MCPConnection, str, str]] = []

    async def open(self) -> None:
        """Starts connecting to every server, and waits a moment for those that are there. None has to be."""
        for connection in self._connections:
            connection.open()
        waiting = [asyncio.create_task(connection.tried.wait()) for connection in self._connections]
        try:
            if waiting:
                await asyncio.wait(waiting, timeout=FIRST_CONNECT_SECONDS)
        finally:
            for task in waiting:
                task.cancel()

    async def close(self) -> None:
        """Ends every session, in reverse order, side by side. Before `open`, or in its midst, it ends what there is."""
        await asyncio.gather(*(connection.close() for connection in reversed(self._connections)))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_problem: object) -> None:
        await self.close()

    def tools(self) -> list[Tool]:
        """The tools to offer now, in the configuration's order. Take it once per request: names may change later."""
        return [tool for connection, tool in self._tools if connection.offered]

    def status(self) -> list[ServerStatus]:
        """Every configured server, its tools by the names they are offered under."""
        return [
            ServerStatus(
                connection.entry.name,
                connection.healthy,
                connection.error,
                [tool.name for owner, tool in self._tools if owner is connection],
                {name: reason for owner, name, reason in self._left_out if owner is connection},
            )
            for connection in self._connections
        ]

    def listing(self) -> list[dict[str, Any]]:
        """Every known tool, for `GET /tools`, also of servers that are away."""
        return [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": tool.input_schema,
                "server": tool.server,
                "healthy": connection.healthy,
            }
            for connection, tool in self._tools
        ]

    def _rebuild(self) -> None:
        self._left_out = []
        found = [(owner, remote) for owner in self._connections for remote in _allowed(owner)]
        names = unique_names([(owner.entry.name, remote.name) for owner, remote in found])
        built = [(owner, self._build(owner, remote, name)) for (owner, remote), name in zip(found, names, strict=True)]
        self._tools = [(owner, tool) for owner, tool in built if tool is not None]

    def _build(self, owner: MCPConnection, remote: RemoteTool, name: str) -> Tool | None:
        idempotent = owner.entry.trust_annotations and _repeatable(remote)
        try:
            return Tool(
                name=name,
                description=inspect.cleandoc(remote.description or ""),
                input_schema=remote.input_schema,
                server=owner.entry.name,
                call=partial(owner.call, remote.name, idempotent=idempotent),
                idempotent=idempotent,
                timeout=owner.entry.timeout,
                max_characters=self._max_characters,
            )
        except ToolSchemaError as problem:
            logger.warning("MCP server %s: tool %s is left out: %s", owner.entry.name, remote.name, problem)
            self._left_out.append((owner, remote.name, str(problem)))
            return None


def _allowed(owner: MCPConnection) -> list[RemoteTool]:
    allowed = owner.entry.allowed_tools
    return [tool for tool in owner.tools if allowed is None or tool.name in allowed]


def _repeatable(remote: RemoteTool) -> bool:
    """idempotentHint has a meaning only where readOnlyHint is false: what changes nothing may be repeated anyway."""
    hints = remote.annotations
    return hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)


def unique_names(tools: Sequence[tuple[str, str]]) -> list[str]:
    """For (server, tool) pairs: the tool's name where it is the only one, else `server__tool` for all that share it.

    A tool may itself be called like another's prefixed name, hence the repetition. Servers' names hold no `__`.
    """
    names = [tool for _, tool in tools]
    while True:
        counts = Counter(names)
        prefixed = [
            f"{server}__{tool}" if counts[name] > 1 else name for (server, tool), name in zip(tools, names, strict=True)
        ]
        if prefixed == names:
            return names
        names = prefixed
