"""Requests and answers as /docs shows them."""

from typing import Any

from api.dialects.anthropic.errors import type_of

_HELLO = [{"role": "user", "content": "Say hello."}]

REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": _HELLO},
    "streamed": {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": _HELLO, "stream": True},
    "with a tool": {
        "model": "claude-haiku-4-5",
        "max_tokens": 1000,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "How warm is it in Berlin?"}],
        "tools": [
            {
                "name": "temperature",
                "description": "The temperature in a city",
                "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
            }
        ],
    },
}
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Hello!"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
EVENTS = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    '"delta":{"type":"text_delta","text":"Hello!"}}\n\n'
)
COUNT_REQUESTS: dict[str, dict[str, Any]] = {"plain": {"model": "claude-haiku-4-5", "messages": _HELLO}}
COUNT: dict[str, Any] = {"input_tokens": 9}


def error(status: int, message: str) -> dict[str, Any]:
    """An error with this status."""
    return {"type": "error", "error": {"type": type_of(status), "message": message}, "request_id": "req_4f1c"}
