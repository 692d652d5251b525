"""OpenAI's chat completions: the request, the plain answer, the chunks."""

import hashlib
import math
import secrets
import time
from typing import Any

from demo.provider.answer import Answer
from demo.provider.chat_request import read
from demo.provider.delivery import Event, event
from demo.provider.endpoint import Dialect
from demo.provider.prompt import Prompt
from demo.provider.usage import chat_usage

DONE = Event(b"data: [DONE]\n\n")
LIKELY = math.log(0.98)


def plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": _message(answer),
            "logprobs": _logprobs(prompt, answer.pieces, refused=answer.refusal is not None),
            "finish_reason": answer.finish_reason,
        }
        for index in range(prompt.n)
    ]
    return {**_head(prompt, "chat.completion"), "choices": choices, "usage": chat_usage(answer.usage)}


def events(prompt: Prompt, answer: Answer) -> list[Event]:
    """Role once, then content or calls, then the finish reason; with `include_usage` a null in each, then the sum."""
    head = _head(prompt, "chat.completion.chunk")
    wants_usage = bool((prompt.body.get("stream_options") or {}).get("include_usage"))
    null_usage: dict[str, Any] = {"usage": None} if wants_usage else {}
    chunks: list[Event] = []
    for index in range(prompt.n):
        for delta, logprobs, finish in _deltas(prompt, answer):
            choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            piece = "role" not in delta and finish is None
            chunks.append(event({**head, "choices": [choice], **null_usage}, piece=piece))
    if wants_usage:
        chunks.append(event({**head, "choices": [], "usage": chat_usage(answer.usage)}))
    return [*chunks, DONE]


def _deltas(prompt: Prompt, answer: Answer) -> list[tuple[dict[str, Any], Any, str | None]]:
    field = "refusal" if answer.refusal is not None else "content"
    opening = {
        "role": "assistant",
        "content": None if answer.tool_calls and answer.text is None else "",
        "refusal": None,
    }
    deltas: list[tuple[dict[str, Any], Any, str | None]] = [(opening, None, None)]
    for piece in answer.pieces:
        logprobs = _logprobs(prompt, [piece], refused=answer.refusal is not None)
        deltas.append(({field: piece}, logprobs, None))
    for index, call in enumerate(answer.tool_calls):
        function = {"name": call.name, "arguments": ""}
        opened = {"index": index, "id": call.id, "type": "function", "function": function}
        deltas.append(({"tool_calls": [opened]}, None, None))
        filled = {"index": index, "function": {"arguments": call.arguments}}
        deltas.append(({"tool_calls": [filled]}, None, None))
    return [*deltas, ({}, None, answer.finish_reason)]


def _head(prompt: Prompt, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(14)}",
        "object": kind,
        "created": int(time.time()),
        "model": prompt.model,
        "service_tier": "default",
        "system_fingerprint": fingerprint(prompt),
    }


def fingerprint(prompt: Prompt) -> str:
    """The same for the same model and seed, as a backend that did not change would give."""
    return "fp_" + hashlib.sha256(f"{prompt.model} {prompt.body.get('seed')}".encode()).hexdigest()[:10]


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.refusal is not None else answer.text,
        "refusal": answer.refusal,
        "annotations": [],
    }
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    return message


def _logprobs(prompt: Prompt, pieces: list[str], *, refused: bool) -> dict[str, Any] | None:
    if not prompt.body.get("logprobs"):
        return None
    tokens = [token_logprob(piece, prompt.body.get("top_logprobs") or 0) for piece in pieces]
    return {"content": None, "refusal": tokens} if refused else {"content": tokens, "refusal": None}


def token_logprob(piece: str, alternatives: int) -> dict[str, Any]:
    """The piece as a near-certain token, and the less likely ones that were asked for."""
    others = [piece, *(f" demo{rank}" for rank in range(1, alternatives))][:alternatives]
    top = [
        {"token": text, "logprob": round(LIKELY if rank == 0 else -4.0 - rank, 4), "bytes": list(text.encode())}
        for rank, text in enumerate(others)
    ]
    return {"token": piece, "logprob": round(LIKELY, 4), "bytes": list(piece.encode()), "top_logprobs": top}


DIALECT = Dialect("/chat/completions", read=read, plain=plain, events=events)
