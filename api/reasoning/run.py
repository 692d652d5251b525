"""One request's own state: nothing of it is shared with another request."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.components import Component
from api.context import RequestContext
from api.llm import ModelInfo
from api.reasoning.asking import StepForm
from api.reasoning.client_tools import ClientTools, Described
from api.reasoning.earlier_calls import as_steps, open_calls, results_text
from api.reasoning.events import End
from api.reasoning.usage import add_usage, usage_of
from api.tools import Tool, ToolCall, ToolResult

IDENTICAL = 3  # calls, or steps, in a row
MAX_FOUND = 4_000  # characters of a result that the client takes along
_CUT_OFF = "Error: the work was stopped before this call came to its end"
_LEFT_OUT = "Tool results: left out, because they no longer fit into the model's context"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a request's reasoning ends by itself. `max_cost` is in dollars; None means no limit."""

    max_steps: int = 20
    max_seconds: float = 300.0
    max_tokens: int | None = None
    max_cost: float | None = None
    max_step_tokens: int = 4096
    """What one step may be long, without what a model thinks before it."""


@dataclass(slots=True)
class Run:
    """What was asked, and what has been thought, called and used for it so far."""

    body: Mapping[str, Any]
    context: RequestContext
    tools: Sequence[Tool]
    model: ModelInfo | None
    forms: Sequence[StepForm] = ()
    """The ways in which this model can be asked for a step, the strictest first."""
    client: ClientTools = field(default_factory=ClientTools)
    """The tools that the client runs itself."""
    progress: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    tool_calls: int = 0
    end: End | None = None
    """Why the reasoning stopped; None while it goes on."""
    left_to_client: Sequence[ToolCall] = ()
    """The calls with which the turn ends, for the client to make."""
    found: list[str] = field(default_factory=list)
    """What has been thought and found, line by line, as it stands in an answer that is no end."""
    started: float = field(default_factory=time.perf_counter)
    _last_calls: list[str] = field(default_factory=list)
    _last_steps: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for calls in open_calls(self.body["messages"]):
            self.repeats(calls)

    @property
    def offered(self) -> Sequence[Described]:
        """Every tool that a step may call."""
        return [*self.tools, *self.client.tools]

    def conversation(self, *, nested: bool) -> list[dict[str, Any]]:
        """The caller's own messages, system messages, images and earlier turns included, as they were sent but for calls."""
        return as_steps(self.body["messages"], nested=nested)

    @property
    def metadata(self) -> dict[str, str]:
        """What every span of this run says of itself."""
        return {"component": Component.REASONING_AGENT.value, "routing_path": self.context.routing_path.value}

    @property
    def seconds(self) -> float:
        """Wall time since the request began."""
        return time.perf_counter() - self.started

    def account(self, answer: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Adds what one call used, and returns it."""
        used = usage_of(answer, headers)
        self.usage = add_usage(self.usage, used)
        return used

    def limit_reached(self, limits: Limits) -> End | None:
        """The first limit that leaves no room for another step."""
        if self.steps >= limits.max_steps:
            return End.MAX_STEPS
        if limits.max_tokens is not None and self.usage.get("total_tokens", 0) >= limits.max_tokens:
            return End.MAX_TOKENS
        if limits.max_cost is not None and self.usage.get("cost", 0) >= limits.max_cost:
            return End.MAX_COST
        return None

    def repeats(self, calls: Sequence[ToolCall]) -> bool:
        """Would these calls make three identical ones in a row, or three steps in a row with the same calls? Remembers them."""
        named = [json.dumps([call.name, call.arguments], sort_keys=True) for call in calls]
        all_calls, all_steps = [*self._last_calls, *named], [*self._last_steps, tuple(sorted(named))]
        self._last_calls, self._last_steps = all_calls[1 - IDENTICAL :], all_steps[1 - IDENTICAL :]
        return _identical_in_a_row(all_calls) or _identical_in_a_row(all_steps)

    def remember_step(self, thought: str, text: str) -> None:
        """The step becomes the model's own turn, so that it builds on it."""
        self.progress.append({"role": "assistant", "content": text})
        self.found.append(thought)

    def remember_no_calls(self) -> None:
        """A turn for the model to answer to, after a step without calls."""
        self.progress.append({"role": "user", "content": "Go on with the next step."})

    def remember_results(self, outcomes: Sequence[tuple[ToolCall, ToolResult | None]]) -> None:
        """The results become the next turn: as JSON, so that no result can look like anything but data.

        None: the call did not come to its end before the work was stopped.
        """
        told = [
            {"tool": call.name, "arguments": call.arguments}
            | ({"ok": result.ok, "result": result.for_model()} if result else {"ok": False, "result": _CUT_OFF})
            for call, result in outcomes
        ]
        self.progress.append({"role": "user", "content": results_text(told)})
        self.found += [
            _as_line(call, result)
            for call, result in outcomes
            if result is not None and call.name not in self.client.names
        ]

    def leave_out_longest_results(self) -> None:
        """Makes room for the answer where the next step found none; what was concluded from these results stays."""
        results = [turn for turn in self.progress if turn["role"] == "user"]
        max(results, key=lambda turn: len(turn["content"]))["content"] = _LEFT_OUT


def _as_line(call: ToolCall, result: ToolResult) -> str:
    said = result.for_model()
    cut = said if len(said) <= MAX_FOUND else f"{said[:MAX_FOUND]} …"
    return f"{call.name}({json.dumps(dict(call.arguments), ensure_ascii=False)}): {cut}"


def _identical_in_a_row(values: Sequence[Any]) -> bool:
    return any(len(set(values[i : i + IDENTICAL])) == 1 for i in range(len(values) - IDENTICAL + 1))
