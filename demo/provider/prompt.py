"""A request in one form, whichever API it came by: what the demo model gets to see."""

import re
from dataclasses import dataclass, field
from typing import Any

# What a client tells the model beside the user's words, in the user's turn: nobody asked for anything in it.
REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>\s*", re.DOTALL)


def without_reminders(text: str) -> str:
    return REMINDER.sub("", text) if "<system-reminder>" in text else text


def asked_in(texts: list[str]) -> str:
    """The last of a turn's texts that says something of the user's own."""
    return next((own for text in reversed(texts) if (own := without_reminders(text)).strip()), "")


@dataclass(frozen=True)
class Turn:
    """One message; `image_tokens` is the price of its images, `calls` are the names of the tools it calls.

    `asked` is the part of it that is the question, where a client's own words stand before that.
    """

    role: str
    text: str
    image_tokens: int = 0
    calls: tuple[str, ...] = ()
    asked: str = ""

    @property
    def question(self) -> str:
        return self.asked or without_reminders(self.text)


@dataclass(frozen=True)
class CacheUse:
    """In tokens; what is read and written is no part of the `input_tokens` that an answer tells."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h


@dataclass(frozen=True)
class ToolSpec:
    name: str
    description: str
    parameters: dict[str, Any]


@dataclass
class Prompt:
    """`tool_choice` is auto, none, required, or the name of the one tool that has to be called.

    `items` is the conversation in the responses API's own form, earlier responses' included. `input_tokens` is what it
    costs where an API counts for itself, `cache` what of that its cache knew or learnt; `memory` is what its user told,
    `thinks` asks for the thoughts behind the answer.
    """

    model: str
    turns: list[Turn]
    body: dict[str, Any]
    stream: bool = False
    tools: list[ToolSpec] = field(default_factory=list)
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    schema: dict[str, Any] | None = None
    json_mode: bool = False
    max_tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    n: int = 1
    items: list[dict[str, Any]] = field(default_factory=list)
    input_tokens: int | None = None
    cache: CacheUse | None = None
    memory: list[str] | None = None
    thinks: bool = False

    @property
    def question(self) -> str:
        """The last thing that the user said; empty if nobody said anything."""
        said = (turn.question for turn in reversed(self.turns) if turn.role == "user")
        return next((text for text in said if text.strip()), "")
