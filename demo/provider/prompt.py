"""A request in one form, whichever API it came by: what the demo model gets to see."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Turn:
    """One message; `image_tokens` is the price of its images, `calls` are the names of the tools it calls."""

    role: str
    text: str
    image_tokens: int = 0
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolSpec:
    name: str
    description: str
    parameters: dict[str, Any]


@dataclass
class Prompt:
    """`tool_choice` is auto, none, required, or the name of the one tool that has to be called.

    `items` is the conversation in the responses API's own form, earlier responses' included.
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

    @property
    def question(self) -> str:
        """The last thing that the user said; empty if nobody said anything."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user" and turn.text.strip()), "")
