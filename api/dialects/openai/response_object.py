"""A response as OpenAI writes it: what was asked, said again beside what came of it."""

import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from api.dialects.openai.errors import error_body
from api.errors import APIError

# Each field of a request that its response says again, with what it is where the request leaves it out.
_ASKED: Final[dict[str, Any]] = {
    "background": False,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {},
    "safety_identifier": None,
    "service_tier": "auto",
    "temperature": 1.0,
    "text": {},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_FUNCTION: Final[dict[str, Any]] = {"description": None, "parameters": None, "strict": True}
_ENDS: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_begun(asked: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The response to this request before there is anything in it. It is kept nowhere, whatever `store` asks for."""
    echo = {name: default if asked.get(name) is None else asked[name] for name, default in _ASKED.items()}
    echo["tools"] = [_FUNCTION | tool if tool.get("type") == "function" else tool for tool in echo["tools"]]
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **echo,
        "reasoning": {"effort": None, "summary": None} | echo["reasoning"],
        "store": False,
        "text": {"format": {"type": "text"}} | echo["text"],
    }


def response_ended(finish_reason: str | None) -> dict[str, Any]:
    """What a response says of its end, by the `finish_reason` of the chat completion that it tells."""
    if why := _ENDS.get(finish_reason or ""):
        return {"status": "incomplete", "incomplete_details": {"reason": why}}
    return {"status": "completed", "completed_at": int(time.time())}


def response_failed(error: APIError) -> dict[str, Any]:
    """What a response says of its failure."""
    body = error_body(error)
    return {"status": "failed", "error": {"code": body["code"] or "server_error", "message": body["message"]}}


def response_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The usage of chat completions in a response's words; with its cost in dollars, where that is known."""
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    cached = {
        "cached_tokens": read.get("cached_tokens") or 0,
        "cache_write_tokens": read.get("cache_write_tokens") or read.get("cache_creation_tokens") or 0,
    }
    told = {
        "input_tokens": usage.get("prompt_tokens", 0),
        "input_tokens_details": cached,
        "output_tokens": usage.get("completion_tokens", 0),
        "output_tokens_details": {"reasoning_tokens": written.get("reasoning_tokens") or 0},
        "total_tokens": usage.get("total_tokens", 0),
    }
    return told | ({"cost": usage["cost"]} if "cost" in usage else {})
