"""What of a conversation this server has added itself, taken out when it comes back: no provider has to pay for it or refuse it.

A provider's own thoughts have the same names, and some want them back (DeepSeek, Kimi, OpenRouter's `reasoning_details`). So
ours stand between two marks, which nobody sees and no model writes: whoever keeps the text, in whatever field, keeps them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from api.protocol import OUR_SIGNATURE

__all__ = ["OUR_CALL_ID", "OUR_LIST_ID", "OUR_REASONING_ID", "OUR_SIGNATURE", "marked", "without_ours"]

OUR_REASONING_ID: Final = "rs_raa1_"
OUR_CALL_ID: Final = "mcp_raa1_"
OUR_LIST_ID: Final = "mcpl_raa1_"
# Unicode's invisible operators, none of which is a space that a client would trim.
_BEGINS: Final = "\u2063\u2061\u2063"
_ENDS: Final = "\u2063\u2064\u2063"
_OURS: Final = re.compile(rf"{_BEGINS}.*?(?:{_ENDS}|\Z)", re.DOTALL)
_EVENT: Final = "reasoning_event"
_THOUGHTS: Final = ("reasoning_content", "reasoning")
_SAYS: Final = ("content", "tool_calls", "function_call", "audio", "refusal", "reasoning_details", *_THOUGHTS)
# Around thoughts that a client keeps within the answer: pydantic-ai and Open WebUI do.
_NOTHING_THOUGHT: Final = re.compile(
    r"<(think|thinking|thought|reasoning)>\s*</\1>\s*"
    r"|<details type=\"reasoning\"[^>]*>\s*(?:<summary>[^<]*</summary>)?[\s>]*</details>\s*"
)

Turn = dict[str, Any]
Body = TypeVar("Body", bound=Mapping[str, Any])


def marked(text: str) -> str:
    """A thought of ours, to be recognised when it comes back."""
    return f"{_BEGINS}{text}{_ENDS}" if text else text


def without_ours(body: Body) -> Body:
    """The request of a chat completion or a response without what only this server has said; itself where there is none of it."""
    for field, cleaned in (("messages", _message), ("input", _item)):
        turns = body.get(field)
        if isinstance(turns, list) and (kept := _kept(turns, cleaned)) is not turns:
            return {**body, field: kept}  # type: ignore[return-value]
    return body


def _kept(turns: list[Any], cleaned: Callable[[Turn], Turn | None]) -> list[Any]:
    """The same list where nothing has to be taken out, which costs a few looks into each turn."""
    kept = [cleaned(turn) if isinstance(turn, dict) else turn for turn in turns]
    if all(one is other for one, other in zip(kept, turns, strict=True)):
        return turns
    return [turn for turn in kept if turn is not None]


def _message(message: Turn) -> Turn | None:
    """None: it held nothing else, and no provider takes a turn that says nothing."""
    if message.get("role") != "assistant":
        return message
    found = [field for field in ("content", *_THOUGHTS) if _is_marked(message.get(field))]
    if not found and _EVENT not in message:
        return message
    # Whoever keeps the events but not the marks has changed the text; that it is ours the events say.
    lost = _THOUGHTS if not found else ()
    kept = {name: value for name, value in message.items() if name != _EVENT and name not in lost}
    for field in found:
        kept[field] = _less_marked(kept[field])
        if not kept[field] and field in _THOUGHTS:
            del kept[field]
    return kept if any(kept.get(field) for field in _SAYS) else None


def _item(item: Turn) -> Turn | None:
    """An item of a response's input; some clients send a reasoning item back without its id."""
    if _begins(item.get("id"), OUR_REASONING_ID, OUR_CALL_ID, OUR_LIST_ID):
        return None
    if item.get("type") == "reasoning":
        texts = [*_texts(item.get("summary")), *_texts(item.get("content"))]
        is_ours = _begins(item.get("encrypted_content"), OUR_SIGNATURE) or any(_BEGINS in text for text in texts)
        return None if is_ours else item
    return _message(item)


def _begins(value: Any, *starts: str) -> bool:
    return isinstance(value, str) and value.startswith(starts)


def _is_marked(value: Any) -> bool:
    return any(_BEGINS in text for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))


def _less_marked(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    cut = [{**part, "text": _cut(part["text"])} if _is_marked([part]) else part for part in value]
    return [part for part in cut if not isinstance(part, dict) or part.get("text") != ""]


def _cut(text: str) -> str:
    """The text without ours; what is only left of the client's own words around it goes too."""
    if _BEGINS not in text:
        return text
    rest = _NOTHING_THOUGHT.sub("", _OURS.sub("", text))
    return rest if rest.strip() else ""
