"""One tool call over a session: its result as text, and what to do when the connection fails under it."""

import re
from collections.abc import Mapping
from typing import Any

from mcp import Client
from mcp.client import InputRequiredRoundsExceededError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from api.tools.mcp_content import as_text
from api.tools.mcp_http import Fate, fate_of
from api.tools.tool import ToolFailure

MAX_REASON = 500
_BREAKS_SCHEMA = re.compile(r"Invalid structured content returned by tool |Tool .* has an output schema but did not ")
_NO_SCHEMA = re.compile(r"Invalid schema for tool ")


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
        if fate is Fate.TOO_LONG:
            raise ToolFailure(f"the tool ran, but {problem.message}") from None
        raise CallLostError(fate, problem.message) from None
    except InputRequiredRoundsExceededError as problem:
        asked = f"the server asked for more input {problem.max_rounds} times over, and was still not done"
        raise ToolFailure(f"{asked}: the outcome is unknown") from None
    except RuntimeError as problem:
        raise ToolFailure(f"{_meaning(problem)}: {str(problem)[:MAX_REASON]}") from None
    return _text(result)


def _meaning(problem: RuntimeError) -> str:
    """The client checks structured results against the tool's output schema, and tells what it finds by words alone."""
    if _BREAKS_SCHEMA.match(str(problem)):
        return "the tool ran, but its answer breaks its own output schema"
    if _NO_SCHEMA.match(str(problem)):
        return "the tool ran, but its answer cannot be checked, its output schema is not usable"
    return "the server answered something that the protocol does not foresee; the outcome is unknown"


def _text(result: CallToolResult) -> str:
    text = as_text(result)
    if result.is_error:
        raise ToolFailure(text or "the tool failed without saying why")
    return text
