"""Tools with which the tests prove what the API's MCP client does; only there with `--extra`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND, ImageContent, TextContent, ToolAnnotations
from pydantic import Field

MAX_BIG_BYTES = 50_000_000
CHANGES = ToolAnnotations(read_only_hint=False, idempotent_hint=False, destructive_hint=False, open_world_hint=False)
ONE_PIXEL_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def add_extra_tools(server: MCPServer[None]) -> None:
    """`counter`, `hang`, `big`, `picture` and `add_tool`."""
    calls = 0

    @server.tool(annotations=CHANGES, structured_output=False)
    async def counter(seconds: Annotated[float, Field(ge=0, le=60)] = 0) -> str:
        """Adds one to a count that lives as long as the server, waits, and answers with the count."""
        nonlocal calls
        calls += 1
        count = calls
        await asyncio.sleep(seconds)
        return str(count)

    @server.tool(annotations=CHANGES, structured_output=False)
    async def hang() -> str:
        """Never answers."""
        await asyncio.Event().wait()
        return "unreachable"

    @server.tool(structured_output=False)
    def big(bytes: Annotated[int, Field(ge=0, le=MAX_BIG_BYTES)]) -> str:  # noqa: A002  the name that callers see
        """Answers with so many bytes of text."""
        return "x" * bytes

    @server.tool(structured_output=False)
    def picture() -> list[TextContent | ImageContent]:
        """Answers with a sentence and an image."""
        image = ImageContent(type="image", data=ONE_PIXEL_PNG, mime_type="image/png")
        return [TextContent(type="text", text="a red dot"), image]

    @server.tool(structured_output=False)
    async def add_tool(name: str, context: Context[Any, Any]) -> str:
        """Adds a tool of that name and tells every client that the list has changed."""
        server.add_tool(lambda: f"I am {name}", name=name, description="Added while the server ran.")
        await context.notify_tools_changed()
        await context.session.send_tool_list_changed()
        return "added"


def log_requests(server: MCPServer[None], log: Path) -> None:
    """Appends a line of JSON per request that arrives: what was really received, readable even after a SIGKILL.

    A call that is cancelled while it runs adds a second line, with the method `cancelled`.
    """

    def write(method: str, tool: str | None) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"method": method, "tool": tool}) + "\n")

    async def record(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        tool = (ctx.params or {}).get("name")
        write(ctx.method, tool)
        try:
            return await call_next(ctx)
        except asyncio.CancelledError:
            write("cancelled", tool)
            raise

    server.middleware.append(record)


def refuse_newer_protocol(server: MCPServer[None]) -> None:
    """Lets the server be one of before 2026-07-28, with sessions: clients that ask for more are told that it is unknown."""

    async def refuse(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        if ctx.method == "server/discover":
            raise MCPError(METHOD_NOT_FOUND, "Method not found")
        return await call_next(ctx)

    server.middleware.append(refuse)
