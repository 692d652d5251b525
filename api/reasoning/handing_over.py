"""The answer of a turn that ends with calls for the client to make: as a model would have given it, though none was asked."""

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from api.reasoning.run import Run

FINISH = "tool_calls"


def handed_over(run: Run, *, found: bool) -> dict[str, Any]:
    """The completion; without what was found where that comes back with the thoughts."""
    calls = [_call() | {"function": function} for function in _functions(run)]
    content = what_was_found(run) if found else None
    message = {"role": "assistant", "content": content, "tool_calls": calls, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH}
    return {"object": "chat.completion", "created": int(time.time()), "choices": [choice]}


def handed_over_in_chunks(run: Run, *, found: bool) -> Iterator[dict[str, Any]]:
    """The same as chunks."""
    if found and (text := what_was_found(run)):
        yield _chunk({"content": text})
    for index, function in enumerate(_functions(run)):
        yield _chunk({"tool_calls": [{"index": index, **_call(), "function": function}]})
    yield _chunk({}, FINISH)


def what_was_found(run: Run) -> str | None:
    """The thoughts, and what our own tools said: the client sends them back with its results, and nothing is kept here."""
    return "\n".join(line for line in run.found if line.strip()) or None


def _functions(run: Run) -> list[dict[str, str]]:
    return [
        {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)}
        for call in run.left_to_client
    ]


def _call() -> dict[str, str]:
    return {"id": f"call_{uuid4().hex[:24]}", "type": "function"}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
