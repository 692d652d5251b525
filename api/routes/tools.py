"""GET /tools."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.context import Permission
from api.dependencies import Services
from api.edge import caller_of
from api.errors import NotAllowed
from api.routes.openapi import error_responses

router = APIRouter(tags=["tools"])


class ToolDescription(BaseModel):
    """A tool that the reasoning agent can call; `healthy` says whether its server answers now."""

    name: str
    description: str
    input_schema: dict[str, Any]
    server: str
    healthy: bool


class ServerHealth(BaseModel):
    """An MCP server of the configuration; `error` is why it cannot be used, or could not last time.

    `left_out` are tools that the agent is not given, such as those without a usable input schema: name and reason.
    """

    name: str
    healthy: bool
    error: str | None
    tools: list[str]
    left_out: dict[str, str]


class ToolList(BaseModel):
    tools: list[ToolDescription]
    servers: list[ServerHealth]


@router.get("/tools", responses=error_responses({403: "The caller may not see the tools"}))
async def list_tools(request: Request, services: Services) -> ToolList:
    """The tools of the reasoning agent and the MCP servers they come from.

    A server that is away keeps its tools in this list, with `healthy: false`; the agent is given them for another ten
    seconds, and again as soon as the server is back.
    """
    if Permission.TOOLS not in caller_of(request).allowed:
        raise NotAllowed(f"This token may not see the tools: its caller needs `allowed: [{Permission.TOOLS}]`.")
    servers = [ServerHealth(**status._asdict()) for status in services.mcp_servers.status()]
    return ToolList(tools=[ToolDescription(**tool) for tool in services.mcp_servers.listing()], servers=servers)
