"""What of a conversation this server has added itself, taken out when it comes back: no provider has to pay for it or refuse it.

A provider's own thoughts have the same names, and some want them back (DeepSeek, Kimi, OpenRouter's `reasoning_details`). So
ours begin with a mark that nobody sees and no model writes: whoever keeps the text, in whatever field, keeps it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from api.protocol import OUR_SIGNATURE

__all__ = [
    "OUR_CALL_ID",
    "OUR_LIST_ID",
    "OUR_REASONING_ID",
    "OUR_SIGNATURE",
    "is_ours",
    "marked",
    "unmarked",
    "without_ours",
]

OUR_REASONING_ID: Final = "rs_raa1_"
OUR_CALL_ID: Final = "mcp_raa1_"
OUR_LIST_ID: Final = "mcpl_raa1_"
# Unicode's invisible operators, none of which is a space that a client would trim.
_MARK: Final = "\u2063\u2061\u2063"
_EVENT: Final = "reasoning_event"
_THOUGHTS: Final = ("reasoning_content", "reasoning")
_WITH_THOUGHTS: Final = ("content", *_THOUGHTS)
_SAYS: Final = ("content", "tool_calls", "function_call", "audio", "refusal", "reasoning_details", *_THOUGHTS)
# How clients keep thoughts within the answer: pydantic-ai, Open WebUI.
_OPENS: Final = re.compile(
    rf"(?:<(?P<tag>think|thinking|thought|reasoning)>\s*"
    rf"|<(?P<details>details) type=\"reasoning\"[^>]*>\s*(?:<summary>[^<]*</summary>)?[\s>]*){_MARK}"
)

Turn = dict[str, Any]
Body = TypeVar("Body", bound=Mapping[str, Any])


def marked(text: str) -> str:
    """The beginning of our thoughts, to be recognised when it comes back."""
    return f"{_MARK}{text}"


def unmarked(text: str) -> str:
    """The text as a person reads it."""
    return text.replace(_MARK, "")


def without_ours(body: Body) -> Body:
    """The request of a chat completion or a response without what only this server has said; itself where there is none of it."""
    for field, cleaned in (("messages", _message), ("input", _item)):
        turns = body.get(field)
        if isinstance(turns, list) and (kept := _kept(turns, cleaned)) is not turns:
            return {**body, field: kept}  # type: ignore[return-value]
    return body


def _kept(turns: list[Any], cleaned: Callable[[Turn], Turn | None]) -> list[Any]:
    """The same list where nothing has to be taken out, which costs a few looks into each turn."""
    if not any(isinstance(turn, dict) and cleaned(turn) is not turn for turn in turns):
        return turns
    kept = (cleaned(turn) if isinstance(turn, dict) else turn for turn in turns)
    return [turn for turn in kept if turn is not None]


def _message(message: Turn) -> Turn | None:
    """None: it held nothing else, and no provider takes a turn that says nothing."""
    if message.get("role") != "assistant":
        return message
    found = [field for field in _WITH_THOUGHTS if field in message and _is_marked(message[field])]
    if not found and _EVENT not in message:
        return message
    # Whoever keeps the events but not the mark has changed the text; that it is ours the events say.
    ours = {_EVENT, *(found or _THOUGHTS)} - {"content"}
    kept = {name: value for name, value in message.items() if name not in ours}
    if "content" in found:
        kept["content"] = _less_thoughts(kept["content"])
    return kept if any(kept.get(field) for field in _SAYS) else None


def is_ours(item: Mapping[str, Any]) -> bool:
    """Is this item of a response's input one that only this server has said? Some clients send reasoning back without its id."""
    if _begins(item.get("id"), OUR_REASONING_ID, OUR_CALL_ID, OUR_LIST_ID):
        return True
    if item.get("type") != "reasoning":
        return False
    signed = _begins(item.get("encrypted_content"), OUR_SIGNATURE)
    return signed or _is_marked(item.get("summary")) or _is_marked(item.get("content"))


def _item(item: Turn) -> Turn | None:
    return None if is_ours(item) else _message(item)


def _begins(value: Any, *starts: str) -> bool:
    return isinstance(value, str) and value.startswith(starts)


def _is_marked(value: Any) -> bool:
    if isinstance(value, str):
        return _MARK in value
    return any(_MARK in text for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))


def _less_thoughts(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    cut = [{**part, "text": _cut(part["text"])} if _is_marked([part]) else part for part in value]
    return [part for part in cut if not isinstance(part, dict) or part.get("text") != ""]


def _cut(text: str) -> str:
    """The text without what a client has put around our thoughts, and them."""
    kept, place = [], 0
    while (opened := _OPENS.search(text, place)) is not None:
        kept.append(text[place : opened.start()])
        closing = f"</{opened['tag'] or opened['details']}>"
        found = text.find(closing, opened.end())
        place = len(text) if found < 0 else found + len(closing)
    rest = "".join([*kept, text[place:].lstrip() if place else text])
    return rest if rest.strip() else ""
