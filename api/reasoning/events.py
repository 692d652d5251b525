"""What a client sees of the reasoning while it happens: each event typed, and as text for clients that show thinking.

The openai SDK's stream helper adds up every field of the deltas, those it does not know too, and raises where that cannot be
done. So a field has one type in all events, lists hold texts, or objects with an `index`, and free-form objects are JSON as text.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from api.tools import ToolResult


class EventType(StrEnum):
    """The `type` of a `delta.reasoning_event`."""

    ITERATION_START = "iteration_start"
    PLANNING = "planning"
    TOOL_EXECUTION_START = "tool_execution_start"
    TOOL_RESULT = "tool_result"
    ITERATION_COMPLETE = "iteration_complete"
    REASONING_COMPLETE = "reasoning_complete"
    ERROR = "error"


class End(StrEnum):
    """Why the reasoning stopped. `client_disconnected` has no name here: nobody is left to read it."""

    FINISHED = "finished"
    MAX_STEPS = "max_steps"
    MAX_SECONDS = "max_seconds"
    MAX_TOKENS = "max_tokens"
    MAX_COST = "max_cost"
    REPEATED_TOOL_CALL = "repeated_tool_call"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReasoningEvent:
    """`details` stand beside `type` and `step` on the wire; `text` is what a person reads."""

    type: EventType
    step: int
    details: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def delta(self) -> dict[str, Any]:
        """Both forms, as they stand in a chunk's delta."""
        typed = {"type": self.type.value, "step": self.step, **self.details}
        return {"reasoning_event": typed} | ({"reasoning_content": self.text} if self.text else {})


def tool_result(step: int, result: ToolResult) -> ReasoningEvent:
    """One call's outcome."""
    details = {
        "tool": result.tool,
        "ok": result.ok,
        "content": result.text if result.ok else result.error,
        "left_out_characters": result.left_out,
        "duration": round(result.duration, 4),
    }
    shown = _shortened(result.for_model())
    return ReasoningEvent(EventType.TOOL_RESULT, step, details, f"← {result.tool}: {shown}\n")


def tool_call_text(name: str, arguments: dict[str, Any]) -> str:
    """A call as a person reads it."""
    return f"→ {name}({_shortened(json.dumps(arguments, ensure_ascii=False))})\n"


def _shortened(text: str, limit: int = 500) -> str:
    return text if len(text) <= limit else f"{text[:limit]} …"
