"""What became of a request that failed: said by the transports below the MCP client, read above it."""

import json
import uuid
from enum import StrEnum
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, REQUEST_TIMEOUT, ErrorData
from pydantic import ValidationError

# A JSON-RPC error code outside the range that the protocol reserves, and a mark that no server can know.
_CODE = 1
_MARK = uuid.uuid4().hex
_EVENT_TOO_LONG = "SSE stream failed: Server-sent event exceeded the "


class Fate(StrEnum):
    """What became of a request that failed."""

    NOT_SENT = "not sent"
    """Nothing of it was written, or the server refused it unseen: it may be sent again."""
    UNKNOWN = "unknown"
    """It may or may not have been carried out."""
    ANSWERED = "answered"
    """The server said no."""
    NO_ACCESS = "no access"
    """The server said no, and most likely would to any other request."""
    TOO_LONG = "too long"
    """It was carried out, but the answer is too large to be read."""


class ConnectRefusedError(Exception):
    """The server turned the connection down before a session began, with this HTTP status."""

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(f"the server answered HTTP {status}{hint}")
        self.status = status


def fate_of(error: ErrorData) -> Fate:
    """What an error of the MCP client says about its request."""
    if isinstance(error.data, dict) and error.data.get("mark") == _MARK:
        return Fate(error.data["fate"])
    # The client's own words for an event that is too long,
    if error.code == CONNECTION_CLOSED and error.message.startswith(_EVENT_TOO_LONG):
        return Fate.TOO_LONG
    # and for an answer that broke off or could not be read: the call may well have been carried out.
    return Fate.UNKNOWN if error.code in (CONNECTION_CLOSED, PARSE_ERROR) else Fate.ANSWERED


def failure(fate: Fate, message: str, request_id: Any) -> dict[str, Any]:
    """A JSON-RPC answer that says what became of the request."""
    error = {"code": _CODE, "message": message, "data": {"mark": _MARK, "fate": fate}}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def too_long(message: str, request_id: Any) -> bytes:
    """The JSON that stands in for an answer which is too large to be read."""
    return json.dumps(failure(Fate.TOO_LONG, message, request_id)).encode()


def is_refusal(problem: BaseException) -> bool:
    """Whether a connection failed because the server is there and said no: trying again soon would change nothing."""
    match _first(problem):
        case ConnectRefusedError(status=status):
            return status < 500
        case MCPError(error=error):
            return error.code != REQUEST_TIMEOUT and fate_of(error) not in (Fate.NOT_SENT, Fate.UNKNOWN)
        case ValidationError():
            return True  # An answer that the protocol does not know.
        case RuntimeError() as unknown:
            return str(unknown).startswith("Unsupported protocol version")  # The client's own words.
    return False


def describe(problem: BaseException) -> str:
    """An exception in a line; of a group, the first that says something."""
    problem = _first(problem)
    return str(problem) or type(problem).__name__


def _first(problem: BaseException) -> BaseException:
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem
