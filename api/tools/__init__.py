"""Tools for the reasoning agent: what a tool is, how calls are run, and where tools come from (MCP servers).

tool.py            Tool, ToolCall, ToolResult: one call, checked, timed and cut; it never raises
running.py         run_tools: the calls of one step, side by side or one after another
schema.py          arguments against a tool's JSON Schema, with messages that a model can repair its call from
schema_keywords.py the schema's keywords within a bounded time; schema_patterns.py, schema_bounds.py: what they rest on
schema_habits.py   ways of writing a schema that are not JSON Schema's
mcp.py             MCPServers: every configured server's tools under one roof
mcp_connection.py  one server: the task that owns its session, reconnects and lists its tools; mcp_pace.py: how often
mcp_listing.py     the tools that a server lists, one by one
mcp_calls.py       one call over a session, and whether it may be sent again
mcp_content.py     what a tool answered, as text
mcp_link.py        the official client over streamable HTTP or stdio
mcp_wire.py        what lies between its session and the transports: lists and results that its models would refuse
mcp_http.py        the HTTP transport, which says what became of a request that failed; mcp_access.py: and what to set
mcp_child.py       the transport to a program
mcp_bodies.py      answers over HTTP; mcp_envelope.py: a single message, bounded and made readable
mcp_fate.py        what became of a request
mcp_config.py      config/mcp_servers.yaml
"""

from api.tools.mcp import MCPServers
from api.tools.mcp_config import MCPConfigError, load_mcp_config
from api.tools.running import run_tools
from api.tools.tool import Tool, ToolCall, ToolFailure, ToolResult, misfit

__all__ = [
    "MCPConfigError",
    "MCPServers",
    "Tool",
    "ToolCall",
    "ToolFailure",
    "ToolResult",
    "load_mcp_config",
    "misfit",
    "run_tools",
]
