"""Anthropic's messages: the plain message, its sequence of events, and the count of a prompt's tokens."""

import secrets
from typing import Any

from demo.provider.answer import Answer
from demo.provider.delivery import Event, event
from demo.provider.endpoint import Call, Dialect
from demo.provider.errors import ProviderError, anthropic_error, anthropic_error_headers
from demo.provider.messages_cache import PromptCache
from demo.provider.messages_content import Block, content, deltas_of, empty
from demo.provider.messages_request import read, read_countable
from demo.provider.prompt import Prompt
from demo.provider.usage import messages_usage, prompt_tokens

STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
STREAM_STARTS_WITH = 1


def plain(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    usage = messages_usage(answer.usage, prompt.cache)
    told = {"content": content(prompt, answer), **_ending(answer), "usage": usage}
    return _message(prompt) | told | _edits(prompt)


def events(prompt: Prompt, answer: Answer) -> list[Event]:
    usage = messages_usage(answer.usage, prompt.cache)
    opening = _message(prompt) | {"usage": _opening_usage(usage)}
    stream = [_event("message_start", message=opening)]
    for index, block in enumerate(content(prompt, answer)):
        stream += _block_events(index, block, answer)
    stream.insert(2, PING)
    counted = {name: count for name, count in usage.items() if "_tokens" in name and count is not None}
    spent = {**counted, "server_tool_use": None}
    stream.append(_event("message_delta", delta=_ending(answer), usage=spent, **_edits(prompt)))
    return [*stream, _event("message_stop")]


def error_event(error: ProviderError, _sequence: int) -> Event:
    return event(anthropic_error(error), name="error")


def count_tokens(call: Call) -> dict[str, Any]:
    prompt = read_countable(call)
    counted = prompt_tokens(prompt)
    managed = {"context_management": {"original_input_tokens": counted}}
    return {"input_tokens": counted} | (managed if prompt.body.get("context_management") else {})


def _event(kind: str, *, piece: bool = False, **fields: Any) -> Event:
    return event({"type": kind, **fields}, name=kind, piece=piece)


def _opening_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """All of the input, and of the output what there is when it begins."""
    told = {name: count for name, count in usage.items() if name != "output_tokens_details"}
    return told | {"output_tokens": STREAM_STARTS_WITH}


def _block_events(index: int, block: Block, answer: Answer) -> list[Event]:
    start = _event("content_block_start", index=index, content_block=empty(block))
    deltas = [
        _event("content_block_delta", piece=is_piece, index=index, delta=delta)
        for delta, is_piece in deltas_of(block, answer)
    ]
    return [start, *deltas, _event("content_block_stop", index=index)]


def _message(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": prompt.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }


def _ending(answer: Answer) -> dict[str, Any]:
    reason = "refusal" if answer.refusal is not None else STOP_REASONS.get(answer.finish_reason, answer.finish_reason)
    ending = {"stop_reason": "stop_sequence" if answer.stopped_at else reason, "stop_sequence": answer.stopped_at}
    refused = {"stop_details": {"type": "refusal", "category": None, "explanation": None}}
    return ending | (refused if reason == "refusal" else {})


def _edits(prompt: Prompt) -> dict[str, Any]:
    """What was left out of a long conversation: nothing ever is here."""
    return {"context_management": {"applied_edits": []}} if prompt.body.get("context_management") else {}


PING = _event("ping")
COUNT_DIALECT = Dialect(
    "/messages/count_tokens",
    look_up=count_tokens,
    error=anthropic_error,
    error_headers=anthropic_error_headers,
    request_id_header="request-id",
)


def dialects(cache: PromptCache) -> tuple[Dialect, ...]:
    """The messages API, whose prompts leave in the cache what they mark for it."""
    making = Dialect(
        "/messages",
        read=lambda call: read(call, cache),
        plain=plain,
        events=events,
        error=anthropic_error,
        error_event=error_event,
        error_headers=anthropic_error_headers,
        ping=PING,
        names_events=True,
        request_id_header="request-id",
    )
    return (making, COUNT_DIALECT)
