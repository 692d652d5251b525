"""The turns of a Messages request as those of a chat completion request, and what cannot be told so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from api.dialects.anthropic.history import OUR_TOOL_USE_ID
from api.dialects.anthropic.signatures import is_ours, text_of

Block = Mapping[str, Any]
Chat = dict[str, Any]

# Claude Code's account of itself, which is no instruction to a model and may change with each request.
_NO_INSTRUCTION: Final = "x-anthropic-billing-header:"
_LONGEST_NAME: Final = 60


class NotChat(Exception):
    """What the request holds that a chat completion request has no words for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"a request with {what} wants the model itself")


def named(kind: Any) -> str:
    """A client's own word, fit for a header."""
    return ascii(kind)[:_LONGEST_NAME]


def chat_messages(body: Mapping[str, Any]) -> list[Chat]:
    """The conversation, the instructions first.

    Of thoughts, only ours of a turn that still goes on are told, as something that was said: the results of the client's own tools
    are what is new, and what led to their calls would be lost.

    Raises:
        NotChat: something in it cannot be told.
    """
    turns: Sequence[Block] = body["messages"]
    messages = [{"role": "system", "content": parts}] if (parts := _instructions(body.get("system"))) else []
    begins = max((n for n, turn in enumerate(turns) if _asks(turn)), default=0)
    for n, turn in enumerate(turns):
        messages.extend(_told(turn, goes_on=n > begins))
    if messages and messages[-1]["role"] == "assistant":
        raise NotChat("the beginning of its answer")
    return messages


def _asks(turn: Block) -> bool:
    """A turn of the user's in which no result of a tool stands begins a new one of the model's."""
    return turn["role"] == "user" and not any(block.get("type") == "tool_result" for block in _blocks(turn["content"]))


def _told(turn: Block, *, goes_on: bool) -> Iterator[Chat]:
    match turn["role"]:
        case "user":
            yield from _users(_blocks(turn["content"]))
        case "assistant":
            yield from _assistants(_blocks(turn["content"]), goes_on=goes_on)
        case "system":
            if said := _instructions(turn["content"]):
                yield {"role": "system", "content": said}
        case other:
            raise NotChat(f"a turn of role {named(other)}")


def _blocks(content: Any) -> list[Block]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _instructions(content: Any) -> str | list[Chat]:
    blocks = _blocks(content)
    return _simple([_text(block) for block in blocks if not _is_account(block)])


def _is_account(block: Block) -> bool:
    return str(block.get("text", "")).startswith(_NO_INSTRUCTION)


def _users(blocks: Sequence[Block]) -> Iterator[Chat]:
    """The results of tools, each in a message of its own, which can hold text alone; then what else stands there."""
    pictures: list[Chat] = []
    for result in (block for block in blocks if block["type"] == "tool_result"):
        shown, seen = _result(result)
        yield {"role": "tool", "tool_call_id": str(result.get("tool_use_id")), "content": shown}
        if seen:
            pictures += [{"type": "text", "text": f"Seen in the result of {result.get('tool_use_id')}:"}, *seen]
    said = [_part(block) for block in blocks if block["type"] != "tool_result" and not _is_of_our_tools(block)]
    if parts := [*pictures, *said]:
        yield {"role": "user", "content": _simple(parts)}


def _result(block: Block) -> tuple[str | list[Chat], list[Chat]]:
    parts = [_part(one) for one in _blocks(block.get("content"))]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    text = ("Error: " if block.get("is_error") else "") + "\n\n".join(texts)
    return _simple([_cached(block, {"type": "text", "text": text})]), [part for part in parts if part["type"] != "text"]


def _assistants(blocks: Sequence[Block], *, goes_on: bool) -> Iterator[Chat]:
    said: list[Chat] = []
    calls = []
    thoughts = []
    for block in blocks:
        match block["type"]:
            case "thinking" if goes_on and is_ours(block.get("signature")):
                thoughts.append(text_of(block["signature"], str(block.get("thinking") or "")))
            case "thinking" | "redacted_thinking":
                pass
            case "tool_use":
                calls.append(_call(block))
            case _ if not _is_of_our_tools(block):
                said.append(_text(block))
    if thought := "\n\n".join(text.strip() for text in thoughts if text.strip()):
        said.insert(0, {"type": "text", "text": thought})
    if said or calls:
        yield {"role": "assistant", "content": _simple(said) or None, **({"tool_calls": calls} if calls else {})}


def _call(block: Block) -> Chat:
    if not isinstance(block.get("input"), dict):
        raise NotChat("a tool_use without its input")
    arguments = json.dumps(block["input"], ensure_ascii=False)
    return {
        "id": str(block.get("id")),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }


def _is_of_our_tools(block: Block) -> bool:
    return any(str(block.get(field, "")).startswith(OUR_TOOL_USE_ID) for field in ("id", "tool_use_id"))


def _part(block: Block) -> Chat:
    match block["type"]:
        case "image":
            return _cached(block, {"type": "image_url", "image_url": {"url": _address(block)}})
        case "document":
            return _document(block)
    return _text(block)


def _text(block: Block) -> Chat:
    text = block.get("text")
    if block["type"] != "text" or not isinstance(text, str):
        raise NotChat(f"a block of type {named(block['type'])}")
    return _cached(block, {"type": "text", "text": text})


def _source(block: Block) -> Block:
    source = block.get("source")
    return source if isinstance(source, dict) else {}


def _address(block: Block) -> str:
    match _source(block):
        case {"type": "base64", "media_type": str(kind), "data": str(data)}:
            return f"data:{kind};base64,{data}"
        case {"type": "url", "url": str(url)}:
            return url
        case source:
            raise NotChat(f"{named(block['type'])} from a source of type {named(source.get('type'))}")


def _document(block: Block) -> Chat:
    """A document that is to be cited from is more than its text."""
    if any(block.get(field) for field in ("citations", "context")):
        raise NotChat("a document to be cited from")
    name = block.get("title") if isinstance(block.get("title"), str) else None
    match _source(block):
        case {"type": "text", "data": str(text)}:
            return _cached(block, {"type": "text", "text": f"{name}\n\n{text}" if name else text})
        case {"type": "base64"}:
            file = {"filename": name or "document.pdf", "file_data": _address(block)}
            return _cached(block, {"type": "file", "file": file})
        case source:
            raise NotChat(f"a document from a source of type {named(source.get('type'))}")


def _cached(block: Block, part: Chat) -> Chat:
    """What a provider may cache is said at the part, as LiteLLM takes it."""
    return {**part, "cache_control": block["cache_control"]} if block.get("cache_control") else part


def _simple(parts: list[Chat]) -> str | list[Chat]:
    """One text is a text: not every model's template knows parts."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and set(parts[0]) == {"type", "text"} else parts
