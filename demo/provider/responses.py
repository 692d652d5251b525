"""OpenAI's responses: the plain response and its sequence of events."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from demo.provider.answer import Answer, ToolCall
from demo.provider.chat import token_logprob
from demo.provider.delivery import Event, event
from demo.provider.endpoint import Dialect
from demo.provider.errors import ProviderError
from demo.provider.kept import Kept
from demo.provider.prompt import Prompt
from demo.provider.responses_request import read
from demo.provider.usage import responses_usage

ECHOED: dict[str, Any] = {
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    return _finished(answer, _shell(prompt), _items(prompt, answer))


@dataclass
class _Stream:
    """Events that number themselves."""

    events: list[Event] = field(default_factory=list)

    def add(self, kind: str, *, piece: bool = False, **fields: Any) -> None:
        value = {"type": kind, "sequence_number": len(self.events), **fields}
        self.events.append(event(value, name=kind, piece=piece))


def events(prompt: Prompt, answer: Answer) -> tuple[list[Event], dict[str, Any]]:
    """The stream, and the response that it ends with."""
    shell, items, stream = _shell(prompt), _items(prompt, answer), _Stream()
    stream.add("response.created", response=shell)
    stream.add("response.in_progress", response=shell)
    for index, item in enumerate(items):
        place = {"output_index": index}
        if item["type"] == "message":
            _stream_message(stream, place, item, prompt, answer)
        else:
            _stream_call(stream, place, item)
    finished = _finished(answer, shell, items)
    stream.add(f"response.{finished['status']}", response=finished)
    return stream.events, finished


def error_event(error: ProviderError, sequence: int) -> Event:
    fields = {"code": error.code or "server_error", "message": error.message, "param": error.param}
    value = {"type": "error", "sequence_number": sequence, **fields, **error.details}
    return event(value | {"type": "error"}, name="error")


def _shell(prompt: Prompt) -> dict[str, Any]:
    """The response while it is made: all that the request fixed, and no output yet."""
    body = prompt.body
    echoed = {name: body[name] if body.get(name) is not None else default for name, default in ECHOED.items()}
    echoed["text"] = ECHOED["text"] | echoed["text"]
    echoed["tools"] = [_full_tool(tool) for tool in echoed["tools"]]
    return {
        "id": f"resp_{secrets.token_hex(24)}",
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": prompt.model,
        "output": [],
        "service_tier": "default",
        "usage": None,
        **echoed,
    }


def _full_tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {"strict": True, "description": None, "parameters": None} | tool if tool.get("type") == "function" else tool


def _finished(answer: Answer, shell: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    reason = REASONS.get(answer.finish_reason)
    return {
        **shell,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "completed_at": None if reason else int(time.time()),
        "output": items,
        "usage": responses_usage(answer.usage),
    }


def _items(prompt: Prompt, answer: Answer) -> list[dict[str, Any]]:
    said = answer.refusal is not None or answer.text is not None
    message = [_message(prompt, answer)] if said or not answer.tool_calls else []
    return message + [_function_call(call) for call in answer.tool_calls]


def _message(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{secrets.token_hex(24)}",
        "type": "message",
        "status": "incomplete" if answer.finish_reason in REASONS else "completed",
        "role": "assistant",
        "content": [_part(prompt, answer)],
    }


def _part(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    if answer.refusal is not None:
        return {"type": "refusal", "refusal": answer.refusal}
    logprobs = [entry for piece in answer.pieces for entry in _logprobs(prompt, piece)]
    return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": answer.text or ""}


def _function_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"fc_{secrets.token_hex(24)}",
        "type": "function_call",
        "status": "completed",
        "arguments": call.arguments,
        "call_id": call.id,
        "name": call.name,
    }


def _logprobs(prompt: Prompt, piece: str) -> list[dict[str, Any]]:
    if "message.output_text.logprobs" not in (prompt.body.get("include") or []):
        return []
    return [token_logprob(piece, prompt.body.get("top_logprobs") or 0)]


def _stream_message(
    stream: _Stream, place: dict[str, Any], item: dict[str, Any], prompt: Prompt, answer: Answer
) -> None:
    part = item["content"][0]
    refused = part["type"] == "refusal"
    kind, text_field = ("response.refusal", "refusal") if refused else ("response.output_text", "text")
    at = {"item_id": item["id"], **place, "content_index": 0}
    empty = part | {text_field: ""} | ({} if refused else {"logprobs": []})
    stream.add("response.output_item.added", **place, item=item | {"status": "in_progress", "content": []})
    stream.add("response.content_part.added", **at, part=empty)
    for piece in answer.pieces:
        extra = {} if refused else {"logprobs": _logprobs(prompt, piece)}
        stream.add(f"{kind}.delta", piece=True, **at, delta=piece, **extra)
    done = {text_field: part[text_field]} | ({} if refused else {"logprobs": part["logprobs"]})
    stream.add(f"{kind}.done", **at, **done)
    stream.add("response.content_part.done", **at, part=part)
    stream.add("response.output_item.done", **place, item=item)


def _stream_call(stream: _Stream, place: dict[str, Any], item: dict[str, Any]) -> None:
    at, arguments = {"item_id": item["id"], **place}, item["arguments"]
    stream.add("response.output_item.added", **place, item=item | {"status": "in_progress", "arguments": ""})
    stream.add("response.function_call_arguments.delta", piece=True, **at, delta=arguments)
    stream.add("response.function_call_arguments.done", **at, name=item["name"], arguments=arguments)
    stream.add("response.output_item.done", **place, item=item)


def dialects(kept: Kept) -> tuple[Dialect, ...]:
    """The responses API, whose responses are kept there unless their request says `"store": false`."""

    def keep(prompt: Prompt, response: dict[str, Any]) -> None:
        if prompt.body.get("store") is not False:
            kept.keep(response, prompt.items)

    def kept_plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
        response = plain(prompt, answer)
        keep(prompt, response)
        return response

    def kept_events(prompt: Prompt, answer: Answer) -> list[Event]:
        stream, response = events(prompt, answer)
        keep(prompt, response)
        return stream

    making = Dialect(
        "/responses",
        read=lambda call: read(call, kept),
        plain=kept_plain,
        events=kept_events,
        error_event=error_event,
        names_events=True,
    )
    return (making, *kept.dialects())
