"""The tools that an agent's prompt tells of in words, a JSON object a line, and those among them that a question is about."""

import json
from typing import Any

from demo.provider.arguments import arguments_in, is_about
from demo.provider.coding_agent import is_coding_agent, picks
from demo.provider.planner import ToolUse
from demo.provider.prompt import Prompt, ToolSpec
from demo.provider.schema import instance

_WHY = "it is what is asked for"


def told_tools(prompt: Prompt) -> list[ToolSpec]:
    """In the order of the prompt: those that an application brought come last."""
    lines = [line for turn in prompt.turns if turn.role in {"system", "developer"} for line in turn.text.splitlines()]
    found = [_tool(line) for line in lines if line.startswith("{")]
    return [tool for tool in found if tool is not None]


def meant(question: str, tools: list[ToolSpec]) -> list[ToolUse]:
    """The calls that the question is about."""
    if is_coding_agent(tools) and (picked := picks(question, tools)):
        return [_use(question, tool, arguments) for tool, arguments in picked]
    return [_use(question, tool, None) for tool in tools if is_about(question, tool.name)]


def any_of(question: str, tools: list[ToolSpec]) -> list[ToolUse]:
    """A call of the last one, where there has to be a call."""
    return [_use(question, tool, None) for tool in tools[-1:]]


def _use(question: str, tool: ToolSpec, arguments: dict[str, Any] | None) -> ToolUse:
    base = instance(tool.parameters) if tool.parameters else {}
    told = arguments_in(question, tool.name, tool.parameters)
    return ToolUse(tool.name, arguments or (base if isinstance(base, dict) else {}) | told, _WHY)


def _tool(line: str) -> ToolSpec | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if not isinstance(told.get("name"), str) or not isinstance(told.get("arguments"), dict):
        return None
    return ToolSpec(told["name"], str(told.get("description") or ""), told["arguments"])
