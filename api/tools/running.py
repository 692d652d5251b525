"""Runs the tool calls of one step."""

import asyncio
import contextlib
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from api.tools.tool import Tool, ToolCall, ToolResult

Report = Callable[[ToolResult], None]
# Entered around each call, told its result before it is left. The tool is None if no tool has the call's name.
Observe = Callable[[ToolCall, Tool | None], AbstractContextManager[Report]]


@contextlib.contextmanager
def unobserved(_call: ToolCall, _tool: Tool | None) -> Iterator[Report]:
    """Watches nothing."""
    yield lambda _result: None


async def run_tools(
    tools: Iterable[Tool], calls: Sequence[ToolCall], *, concurrent: bool, observe: Observe = unobserved
) -> list[ToolResult]:
    """The calls' results, in the calls' order, side by side or one after another.

    A failed call is a failed result and does not end the others. Cancelling this cancels the calls under way.
    """
    by_name = {tool.name: tool for tool in tools}
    if not concurrent:
        return [await _run(by_name, call, observe) for call in calls]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(_run(by_name, call, observe)) for call in calls]
    return [task.result() for task in running]


async def _run(tools: dict[str, Tool], call: ToolCall, observe: Observe) -> ToolResult:
    tool = tools.get(call.name)
    with observe(call, tool) as report:
        result = await tool.run(call.arguments) if tool else _unknown(call.name, list(tools))
        report(result)
    return result


def _unknown(name: str, known: list[str]) -> ToolResult:
    similar = difflib.get_close_matches(name, known)
    hint = (
        f"did you mean {' or '.join(similar)}?" if similar else f"the tools are {', '.join(known) or 'none at present'}"
    )
    return ToolResult(name, ok=False, text="", error=f"there is no tool named {name!r}; {hint}")
