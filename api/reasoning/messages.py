"""Messages as strict chat templates take them: one system message that leads, then turns of user and assistant that alternate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]

_INSTRUCTING = frozenset({"system", "developer"})
_SPEAKING = frozenset({"user", "assistant"})
_THEIRS = "These are the instructions of the application that the user talks to. They hold, too:"
_NATIVE = ("tool_calls", "function_call", "audio")


_GO_ON = {"role": "user", "content": "Go on."}


def arranged(ours: str, conversation: Sequence[Message], since: Iterable[Message]) -> list[dict[str, Any]]:
    """Our instructions and the caller's in one message, the conversation, and what we and the model have said since.

    Where nobody asks the model anything, the user is made to: strict templates want the turn.
    """
    theirs = [message.get("content") for message in conversation if message.get("role") in _INSTRUCTING]
    turns = [dict(message) for message in conversation if message.get("role") not in _INSTRUCTING]
    own = [dict(turn) for turn in since]
    if own and _is_answered(turns) and own[0]["role"] == "assistant":
        own.insert(0, dict(_GO_ON))
    joined = _alternating([*turns, *own])
    if _is_answered(joined):
        joined.append(dict(_GO_ON))
    return [{"role": "system", "content": _instructions(ours, theirs)}, *joined]


def _is_answered(turns: Sequence[Message]) -> bool:
    return not turns or turns[-1].get("role") == "assistant"


def _instructions(ours: str, theirs: Sequence[Any]) -> str | list[Any]:
    """The caller's words as they are; parts stay parts, with all that is said of them, such as what a provider may cache."""
    said = [content for content in theirs if content]
    if not said:
        return ours
    return _joined([f"{ours}\n\n{_THEIRS}", *said])


def _alternating(turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for turn in turns:
        if kept and _continues(kept[-1], turn):
            kept[-1] = _merged(kept[-1], turn)
        else:
            kept.append(turn)
    return kept


def _continues(before: Message, turn: Message) -> bool:
    same = before.get("role") == turn.get("role") and turn.get("role") in _SPEAKING
    return same and all(_is_said(one) for one in (before, turn))


def _is_said(turn: Message) -> bool:
    """Calls, and audio that is referred to, stand in turns of their own."""
    return isinstance(turn.get("content"), str | list) and not any(turn.get(name) for name in _NATIVE)


def _merged(before: Message, turn: Message) -> dict[str, Any]:
    """Both turns as one. Who spoke is kept in the text where two names would be one."""
    names = {before.get("name"), turn.get("name")}
    contents = [_signed(one) if len(names) > 1 else one["content"] for one in (before, turn)]
    kept = {name: value for name, value in {**before, **turn}.items() if name != "name" or len(names) == 1}
    return {**kept, "content": _joined(contents)}


def _signed(turn: Message) -> Any:
    name = turn.get("name")
    return turn["content"] if not name else _joined([f"{name}:", turn["content"]])


def _joined(contents: Sequence[Any]) -> str | list[Any]:
    if all(isinstance(content, str) for content in contents):
        return "\n\n".join(contents)
    return [part for content in contents for part in _parts(content)]


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": str(content)}]
