"""What was asked and what was answered as text, for the reader of a trace. Whatever has no text is told as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def asked(body: Mapping[str, Any]) -> str:
    """The caller's last turn, prompt or input."""
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    given = last.get("content") if isinstance(last, dict) else body.get("prompt", body.get("input"))
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def answered(answer: Mapping[str, Any]) -> str:
    """What an answer, or a chunk of one, says: the first choice's text, a response's or a message's."""
    if answer.get("type") == "response.output_text.delta":
        return str(answer.get("delta") or "")
    if answer.get("type") == "content_block_delta":
        return str((answer.get("delta") or {}).get("text") or "")
    if answer.get("type") == "message":
        return "".join(str(block["text"]) for block in answer.get("content") or () if block.get("text"))
    if "output" in answer:
        return "".join(_parts(answer["output"]))
    first: Mapping[str, Any] = next(
        (choice for choice in answer.get("choices") or () if choice.get("index", 0) == 0), {}
    )
    part = first.get("message") or first.get("delta") or {}
    return str(first.get("text") or part.get("content") or "")


def _parts(output: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(part["text"]) for item in output for part in item.get("content") or () if part.get("text")]
