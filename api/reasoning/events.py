"""What a client sees of the reasoning while it happens: each event typed, and as text for clients that show thinking.

The openai SDK's stream helper adds up every field of the deltas, those it does not know too, and raises where that cannot be
done. So a field has one type in all events, lists hold texts, or objects with an `index`, and free-form objects are JSON as text.
"""

import json
from collections.abc import Mapping
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
    TOOL_CALLS = "tool_calls"
    MAX_STEPS = "max_steps"
    MAX_SECONDS = "max_seconds"
    MAX_TOKENS = "max_tokens"
    MAX_COST = "max_cost"
    REPEATED_TOOL_CALL = "repeated_tool_call"
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    REFUSED = "refused"


# As a person reads it; `finished` needs no word.
_STOPPED = {
    End.MAX_STEPS: "step {steps} was the last one allowed",
    End.MAX_SECONDS: "the time is up, after {duration:.0f} s",
    End.MAX_TOKENS: "{tokens:,} tokens were used",
    End.MAX_COST: "${cost:.4g} was spent",
    End.REPEATED_TOOL_CALL: "the same call was asked for again and again",
    End.CONTEXT_LENGTH_EXCEEDED: "no more fits into the model's context",
    End.REFUSED: "the model refused to plan a step",
}


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


def reasoning_complete(
    end: End, *, steps: int, tool_calls: int, usage: Mapping[str, Any], duration: float
) -> ReasoningEvent:
    """Why the reasoning ended, and what it took."""
    details = {
        "end": end.value,
        "steps": steps,
        "tool_calls": tool_calls,
        "usage": usage,
        "duration": round(duration, 4),
    }
    taken = {"tokens": usage.get("total_tokens", 0), "cost": usage.get("cost", 0)}
    why = _STOPPED.get(end, "").format(steps=steps, duration=duration, **taken)
    return ReasoningEvent(EventType.REASONING_COMPLETE, steps, details, f"(stopped: {why})\n" if why else "")


def failure(step: int, message: str, code: str | None) -> ReasoningEvent:
    """What the client is told of an error, before the error itself."""
    return ReasoningEvent(EventType.ERROR, step, {"message": message, "code": code}, f"(failed: {message})\n")


def tool_result(step: int, index: int, result: ToolResult, server: str) -> ReasoningEvent:
    """The outcome of the step's call at this place; `server` is empty where no server has such a tool."""
    details = {
        "index": index,
        "tool": result.tool,
        "server": server,
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
