"""All configured MCP servers: their tools under one roof, with names that do not collide."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from api.tools.mcp_config import ServerEntry
from api.tools.mcp_pace import Pace
from api.tools.tool import MAX_RESULT_CHARACTERS, MAX_TOOLS, MAX_TOOLS_CHARACTERS, Tool

if TYPE_CHECKING:
    from api.tools.mcp_connection import MCPConnection
    from api.tools.mcp_listing import ListedTool

# A start waits this long for servers that are there, so that the first request has their tools; others connect later.
FIRST_CONNECT_SECONDS = 2.0
_USUAL_PACE = Pace()
TOO_MANY = (
    f"the servers have more than {MAX_TOOLS} tools together, or more than {MAX_TOOLS_CHARACTERS:,} characters of them; "
    "name those you need in allowed_tools"
)


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
        self._connections = _connections(entries, self._rebuild, pace)
        self._max_characters = max_result_characters
        self._tools: list[tuple[MCPConnection, Tool]] = []
        self._too_many: list[tuple[MCPConnection, str]] = []

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
                {**connection.left_out, **{name: TOO_MANY for owner, name in self._too_many if owner is connection}},
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
        found = [(owner, listed) for owner in self._connections for listed in owner.tools]
        kept, self._too_many = _within_bounds(found)
        names = unique_names([(owner.entry.name, listed.name) for owner, listed in kept])
        self._tools = [
            (owner, self._build(owner, listed, name)) for (owner, listed), name in zip(kept, names, strict=True)
        ]

    def _build(self, owner: "MCPConnection", listed: "ListedTool", name: str) -> Tool:
        idempotent = owner.entry.trust_annotations and listed.repeatable
        return Tool(
            name=name,
            description=listed.description,
            input_schema=listed.input_schema,
            server=owner.entry.name,
            call=partial(owner.call, listed, idempotent=idempotent),
            idempotent=idempotent,
            timeout=owner.entry.timeout,
            max_characters=self._max_characters,
            check=listed.check,
        )


def _connections(entries: Sequence[ServerEntry], on_tools: Callable[[], None], pace: Pace) -> list["MCPConnection"]:
    if not entries:
        return []
    # Imported with the first server: the MCP client takes a third of the start, and many run without any.
    from api.tools.mcp_connection import MCPConnection

    return [MCPConnection(entry, on_tools, pace) for entry in entries]


Found = tuple["MCPConnection", "ListedTool"]


def _within_bounds(found: Sequence[Found]) -> tuple[list[Found], list[tuple["MCPConnection", str]]]:
    """As many tools as may stand in one prompt, in the configuration's order, and the names of the others."""
    kept: list[Found] = []
    too_many: list[tuple[MCPConnection, str]] = []
    characters = 0
    for owner, listed in found:
        characters += listed.characters
        if len(kept) < MAX_TOOLS and characters <= MAX_TOOLS_CHARACTERS:
            kept.append((owner, listed))
        else:
            too_many.append((owner, listed.name))
    return kept, too_many


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
