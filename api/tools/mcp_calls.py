"""One tool call over a session: its result as text, and what to do when the connection fails under it."""

from collections.abc import Mapping
from typing import Any

from mcp import Client
from mcp.client import InputRequiredRoundsExceededError
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from api.tools.mcp_content import as_text, is_error
from api.tools.mcp_fate import Fate, fate_of
from api.tools.mcp_wire import original
from api.tools.schema import Check
from api.tools.tool import ToolFailure

MAX_REASON = 500


class CallLostError(Exception):
    """The connection failed under a call. `fate` is NOT_SENT or UNKNOWN."""

    def __init__(self, fate: Fate, reason: str) -> None:
        super().__init__(reason)
        self.fate = fate


class AccessLostError(ToolFailure):
    """The server gave no access, and would hardly give it to any other call."""


async def call_tool(
    client: Client, name: str, arguments: Mapping[str, Any], limit: float, output_check: Check | None = None
) -> str:
    """The tool's answer as text. `limit`, in seconds, only replaces the client's own; the caller has a shorter one.

    Raises ToolFailure if the tool or the server said no, CallLostError if the connection failed.
    """
    try:
        result = await client.call_tool(name, dict(arguments), read_timeout_seconds=limit)
    except MCPError as problem:
        raise _failed(problem) from None
    except InputRequiredRoundsExceededError as problem:
        asked = f"the server asked for more input {problem.max_rounds} times over, and was still not done"
        raise ToolFailure(f"{asked}: the outcome is unknown") from None
    except (RuntimeError, ValidationError) as problem:
        unforeseen = "the server answered something that the protocol does not foresee; the outcome is unknown"
        raise ToolFailure(f"{unforeseen}: {str(problem)[:MAX_REASON]}") from None
    return _text(original(result.meta), output_check)


def _failed(problem: MCPError) -> Exception:
    match fate_of(problem.error):
        case Fate.NO_ACCESS:
            return AccessLostError(f"the server refused the call: {problem.message}")
        case Fate.ANSWERED:
            return ToolFailure(f"the server answered with an error: {problem.message}")
        case Fate.TOO_LONG:
            return ToolFailure(f"the tool ran, but {problem.message}")
        case fate:
            return CallLostError(fate, problem.message)


def _text(result: Mapping[str, Any], output_check: Check | None) -> str:
    text = as_text(result)
    if is_error(result):
        raise ToolFailure(text or "the tool failed without saying why")
    return "\n".join(filter(None, [_note(result, output_check), text]))


def _note(result: Mapping[str, Any], output_check: Check | None) -> str:
    """What is to be said of an answer beside its output schema. The tool has run, so the answer stays what it is."""
    if output_check is None:
        return ""
    structured = result.get("structuredContent")
    if structured is None:
        return "[the answer lacks the structured content that the tool's output schema promises]"
    problem = output_check(structured).problem
    return f"[the answer does not fit the tool's output schema: {problem}]" if problem else ""
