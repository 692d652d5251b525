"""What an Anthropic message holds: its blocks, and for a stream how each begins and what is then added to it."""

import re
from typing import Any

from demo.provider.answer import Answer, ToolCall, split
from demo.provider.messages_thinking import REDACTED, is_shown, signed
from demo.provider.prompt import Prompt

Block = dict[str, Any]
# Who calls: the model itself, and not a program that it has written.
DIRECT = {"type": "direct"}
# About as long as the pieces are in which a model writes its arguments.
FRAGMENT = re.compile(r".{1,24}", re.DOTALL)
LONGEST_CITATION = 80


def content(prompt: Prompt, answer: Answer) -> list[Block]:
    """Thoughts, then words, then calls."""
    text = answer.refusal if answer.refusal is not None else answer.text
    words = [{"type": "text", "text": text, "citations": _citations(prompt)}] if text else []
    return [*_thoughts(prompt, answer), *words, *(_use(call) for call in answer.tool_calls)]


def empty(block: Block) -> Block:
    """The block as a stream begins it."""
    if block["type"] == "text":
        return block | {"text": "", "citations": [] if block["citations"] else None}
    if block["type"] == "thinking":
        return block | {"thinking": "", "signature": ""}
    return block | ({"input": {}} if block["type"] == "tool_use" else {})


def deltas_of(block: Block, answer: Answer) -> list[tuple[Block, bool]]:
    """What is added to the block, each with whether it is a piece of the answer that delays and failures count."""
    if block["type"] == "text":
        said: list[tuple[Block, bool]] = [({"type": "text_delta", "text": piece}, True) for piece in answer.pieces]
        cited = block["citations"] or []
        return said + [({"type": "citations_delta", "citation": citation}, False) for citation in cited]
    if block["type"] == "thinking":
        thought = [({"type": "thinking_delta", "thinking": piece}, True) for piece in split(block["thinking"])]
        return [*thought, ({"type": "signature_delta", "signature": block["signature"]}, False)]
    if block["type"] == "tool_use":
        call = next(call for call in answer.tool_calls if _id(call) == block["id"])
        parts = ["", *FRAGMENT.findall(call.arguments)]
        return [({"type": "input_json_delta", "partial_json": part}, bool(part)) for part in parts]
    return []


def _thoughts(prompt: Prompt, answer: Answer) -> list[Block]:
    if answer.is_redacted:
        return [{"type": "redacted_thinking", "data": signed(REDACTED)}]
    if answer.thought is None:
        return []
    shown = answer.thought if is_shown(prompt.body) else ""
    return [{"type": "thinking", "thinking": shown, "signature": signed(shown)}]


def _use(call: ToolCall) -> Block:
    return {"type": "tool_use", "id": _id(call), "name": call.name, "input": call.arguments_object, "caller": DIRECT}


def _id(call: ToolCall) -> str:
    return "toolu_" + call.id.removeprefix("call_")


def _citations(prompt: Prompt) -> list[Block] | None:
    """The beginning of the first document whose request wants it cited."""
    documents = [
        block
        for message in prompt.body["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else [])
        if block["type"] == "document"
    ]
    for index, document in enumerate(documents):
        source = document["source"]
        if (document.get("citations") or {}).get("enabled") and source.get("type") == "text":
            cited = str(source.get("data", ""))[:LONGEST_CITATION]
            place = {"document_index": index, "document_title": document.get("title"), "file_id": None}
            span = {"start_char_index": 0, "end_char_index": len(cited)}
            return [{"type": "char_location", "cited_text": cited, **place, **span}]
    return None
