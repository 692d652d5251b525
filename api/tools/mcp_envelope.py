"""One message of an MCP server as it came over the wire, made readable for the client where it nearly is.

A message that the client cannot read is lost, and with it what a tool did. What is read at all is bounded here: how long
a message is, how many parts it has, how deep it goes.
"""

import json
from typing import Any

from mcp_types import INTERNAL_ERROR
from pydantic_core import from_json

# The most that is read of one answer, be it JSON, an event or a line. What is shorter is cut later, with a note.
MAX_RESULT_BYTES = 64 * 1024 * 1024
# Texts, lists, objects and whatever else stands between commas: these, and not their length, are what takes time to read.
MAX_RESULT_PARTS = 500_000
MAX_RESULT_DEPTH = 100
_TOO_DEEP = f"[nested more than {MAX_RESULT_DEPTH} levels deep: not shown]"


def has_too_many_parts(message: bytes, most: int = MAX_RESULT_PARTS) -> bool:
    """Whether JSON has more parts than so many. Counted without reading it; what stands within texts does not count."""
    if sum(message.count(mark) for mark in (b",", b"[", b"{")) <= most:
        return False
    unescaped = message.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 2 * most:
        return True
    outside = b" ".join(unescaped.split(b'"')[::2])
    return sum(outside.count(mark) for mark in (b",", b"[", b"{")) > most


def mended(message: bytes, request_id: Any = None) -> bytes:
    """The message, or one that the client can read in its place. `request_id` is that of the only request it can answer."""
    try:
        content = from_json(message)
    except ValueError:
        content = _read_anyway(message)
        if content is None:
            return message
        return json.dumps(_answer(content, request_id) or content).encode()
    answer = _answer(content, request_id)
    return message if answer is None else json.dumps(answer).encode()


def _read_anyway(message: bytes) -> Any:
    """JSON without what the client cannot read: bytes that are no text, halves of characters, what is nested too deeply.

    None if it is no JSON.
    """
    try:
        return _readable(json.loads(message.decode("utf-8-sig", "replace")), MAX_RESULT_DEPTH)
    except (ValueError, RecursionError):
        return None


def _readable(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if not isinstance(value, (dict, list)):
        return value
    if levels == 0:
        return _TOO_DEEP
    if isinstance(value, dict):
        return {_readable(name, levels): _readable(inner, levels - 1) for name, inner in value.items()}
    return [_readable(inner, levels - 1) for inner in value]


def _answer(content: Any, request_id: Any) -> dict[str, Any] | None:
    """What the message should have been, None if it is as it should be or no answer at all."""
    message = content[0] if isinstance(content, list) and len(content) == 1 else content
    if not isinstance(message, dict) or "method" in message or not {"result", "error"} & set(message):
        return None
    identity = message.get("id") if request_id is None else request_id
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": identity}
    if message.get("error") is not None or "result" not in message:
        answer["error"] = _error(message["error"])
    else:
        result = message["result"]
        answer["result"] = result if isinstance(result, dict) else {"structuredContent": result}
    return None if answer == message and message is content else answer


def _error(error: Any) -> dict[str, Any]:
    if not isinstance(error, dict):
        return {"code": INTERNAL_ERROR, "message": error if isinstance(error, str) else json.dumps(error)}
    code, said = error.get("code"), error.get("message")
    return {
        **error,
        "code": code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR,
        "message": said if isinstance(said, str) else json.dumps(error),
    }
