"""Anthropic's messages: the plain message, its sequence of events, and the count of a prompt's tokens."""

import secrets
from typing import Any

from demo.provider.answer import Answer
from demo.provider.delivery import Event, event
from demo.provider.endpoint import Call, Dialect
from demo.provider.errors import ProviderError, anthropic_error
from demo.provider.messages_request import read, read_countable
from demo.provider.prompt import Prompt
from demo.provider.usage import messages_usage, prompt_tokens

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
STREAM_STARTS_WITH = 1
Block = tuple[dict[str, Any], list[dict[str, Any]]]


def plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    text = answer.refusal if answer.refusal is not None else answer.text
    content: list[dict[str, Any]] = [{"type": "text", "text": text, "citations": None}] if text else []
    content += [
        {"type": "tool_use", "id": _tool_id(call.id), "name": call.name, "input": call.arguments_object}
        for call in answer.tool_calls
    ]
    return _message(prompt) | {"content": content, **_ending(answer), "usage": messages_usage(answer.usage)}


def events(prompt: Prompt, answer: Answer) -> list[Event]:
    usage = messages_usage(answer.usage)
    opening = _message(prompt) | {"usage": usage | {"output_tokens": STREAM_STARTS_WITH}}
    stream = [_event("message_start", message=opening), _event("ping")]
    for index, (start, deltas) in enumerate(_blocks(answer)):
        stream.append(_event("content_block_start", index=index, content_block=start))
        stream += [_event("content_block_delta", piece=True, index=index, delta=delta) for delta in deltas]
        stream.append(_event("content_block_stop", index=index))
    counted = {name: count for name, count in usage.items() if name.endswith("_tokens")}
    stream.append(_event("message_delta", delta=_ending(answer), usage={**counted, "server_tool_use": None}))
    return [*stream, _event("message_stop")]


def error_event(error: ProviderError, _sequence: int) -> Event:
    return event(anthropic_error(error), name="error")


def count_tokens(call: Call) -> dict[str, Any]:
    return {"input_tokens": prompt_tokens(read_countable(call))}


def _event(kind: str, *, piece: bool = False, **fields: Any) -> Event:
    return event({"type": kind, **fields}, name=kind, piece=piece)


def _message(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": prompt.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _ending(answer: Answer) -> dict[str, Any]:
    reason = "refusal" if answer.refusal is not None else STOP_REASONS.get(answer.finish_reason, answer.finish_reason)
    return {"stop_reason": "stop_sequence" if answer.stopped_at else reason, "stop_sequence": answer.stopped_at}


def _blocks(answer: Answer) -> list[Block]:
    """Each content block as it starts, and what is then added to it."""
    blocks: list[Block] = []
    if answer.pieces:
        pieces = [{"type": "text_delta", "text": piece} for piece in answer.pieces]
        blocks.append(({"type": "text", "text": "", "citations": None}, pieces))
    for call in answer.tool_calls:
        start = {"type": "tool_use", "id": _tool_id(call.id), "name": call.name, "input": {}}
        blocks.append((start, [{"type": "input_json_delta", "partial_json": call.arguments}]))
    return blocks


def _tool_id(call_id: str) -> str:
    return "toolu_" + call_id.removeprefix("call_")


DIALECT = Dialect(
    "/messages",
    read=read,
    plain=plain,
    events=events,
    error=anthropic_error,
    error_event=error_event,
    names_events=True,
    request_id_header="request-id",
)
COUNT_DIALECT = Dialect(
    "/messages/count_tokens", look_up=count_tokens, error=anthropic_error, request_id_header="request-id"
)
