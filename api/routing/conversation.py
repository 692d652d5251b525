"""What a conversation says, as text: an excerpt of it for the routing classifier, and its last turn alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, Any]]

EARLIER_TURNS = 4
TURN_CHARACTERS = 2_000
INSTRUCTION_CHARACTERS = 500
_INSTRUCTING, _SPEAKING = ("system", "developer"), ("user", "assistant")


def excerpt(messages: Messages) -> str:
    """The application's instructions, the last user turn and the few turns before it; what is no text is named."""
    instructions = "\n".join(text for _, text in _turns(messages, _INSTRUCTING, INSTRUCTION_CHARACTERS))
    spoken = _turns(messages, _SPEAKING, TURN_CHARACTERS)
    last = max((place for place, (role, _) in enumerate(spoken) if role == "user"), default=len(spoken) - 1)
    earlier = "\n".join(f"<{role}>{text}</{role}>" for role, text in spoken[max(0, last - EARLIER_TURNS) : last])
    sections = {
        "The application's instructions": _cut(instructions, INSTRUCTION_CHARACTERS),
        "Earlier in the conversation": earlier,
        "The request": spoken[last][1] if spoken else "",
    }
    return "\n\n".join(f"{title}:\n{text}" for title, text in sections.items() if text or title == "The request")


def last_turn(messages: Messages) -> str:
    """The whole text of the last user turn, without what is no text; of the last message where no user has spoken."""
    asked = (message for message in reversed(messages) if message.get("role") == "user")
    return _text(next(asked, messages[-1]).get("content"))


def _turns(messages: Messages, roles: tuple[str, ...], limit: int) -> list[tuple[str, str]]:
    theirs = ((message["role"], message.get("content")) for message in messages if message["role"] in roles)
    return [(role, text) for role, content in theirs if (text := _shown(content, limit))]


def _shown(content: Any, limit: int) -> str:
    """What else the turn holds stands before its text, so that no text is long enough to hide it."""
    return " ".join(filter(None, [*_markers(content), _cut(_text(content), limit)]))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if isinstance(part.get("text"), str))


def _markers(content: Any) -> list[str]:
    """`[image_url]`, or `[3 × image_url]`: each kind once."""
    kinds = Counter(str(part.get("type", "part"))[:40] for part in _parts(content) if "text" not in part)
    return [f"[{kind}]" if count == 1 else f"[{count} × {kind}]" for kind, count in kinds.items()]


def _parts(content: Any) -> list[Mapping[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _cut(text: str, limit: int) -> str:
    """Head and tail of a long text: a question may stand before what was pasted, or after it."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
