"""One tool call over a session: its result as text, and what to do when the connection fails under it."""

from collections.abc import Mapping
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from api.tools.mcp_content import as_text
from api.tools.mcp_http import Fate, fate_of
from api.tools.tool import ToolFailure


class CallLostError(Exception):
    """The connection failed under a call. `fate` is NOT_SENT or UNKNOWN."""

    def __init__(self, fate: Fate, reason: str) -> None:
        super().__init__(reason)
        self.fate = fate


async def call_tool(client: Client, name: str, arguments: Mapping[str, Any], limit: float) -> str:
    """The tool's answer as text. `limit`, in seconds, only replaces the client's own; the caller has a shorter one.

    Raises ToolFailure if the tool or the server said no, CallLostError if the connection failed.
    """
    try:
        result = await client.call_tool(name, dict(arguments), read_timeout_seconds=limit)
    except MCPError as problem:
        fate = fate_of(problem.error)
        if fate is Fate.ANSWERED:
            raise ToolFailure(f"the server refused the call: {problem.message}") from None
        raise CallLostError(fate, problem.message) from None
    except RuntimeError as problem:
        # The client checks structured results against the tool's output schema.
        raise ToolFailure(f"the tool ran, but its answer breaks its own output schema: {str(problem)[:500]}") from None
    return _text(result)


def _text(result: CallToolResult) -> str:
    text = as_text(result)
    if result.is_error:
        raise ToolFailure(text or "the tool failed without saying why")
    return text
