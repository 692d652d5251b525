"""The tools that the client brought and runs itself: the agent plans with them, and leaves the calls to the client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from api.reasoning.steps import NextAction, ReasoningStep, StepInvalid
from api.tools import Tool, ToolCall, ToolResult, misfit

_NOT_YET = "the call was not made, because another one of this step did not fit; plan both again"


class Described(Protocol):
    """What a model has to know of a tool, whoever runs it."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ClientTool:
    """A function of the request's `tools`."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClientTools:
    """What a request says of its own tools.

    `required`: one of them has to be called before the answer, as `tool_choice` may say. `single`: one call a turn at most.
    """

    tools: Sequence[ClientTool] = ()
    required: bool = False
    single: bool = False

    @property
    def names(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.tools)

    def check(self, step: ReasoningStep) -> None:
        """
        Raises:
            StepInvalid: the step would end without the call that the client requires.
        """
        if self.required and step.next_action is NextAction.FINISHED:
            names = ", ".join(tool.name for tool in self.tools)
            raise StepInvalid(
                f"it finished, but the user's application requires a call of {names} first: plan that call"
            )

    async def refused(self, calls: Sequence[ToolCall]) -> dict[int, ToolResult]:
        """Why these calls, all of them the client's, cannot be left to it, by their places; nothing if they can."""
        schemas = {tool.name: tool.input_schema for tool in self.tools}
        problems = [await misfit(call.name, schemas[call.name], call.arguments) for call in calls]
        if not any(problems):
            return {}
        return {
            place: ToolResult(call.name, ok=False, text="", error=problem or _NOT_YET)
            for place, (call, problem) in enumerate(zip(calls, problems, strict=True))
        }


def read_client_tools(body: Mapping[str, Any]) -> ClientTools:
    """The tools of a chat completion request that may be used, by its `tool_choice` and `parallel_tool_calls`."""
    choice = body.get("tool_choice")
    if choice == "none":
        return ClientTools()
    functions = [tool.get("function") or {} for tool in body.get("tools") or ()]
    named, required = _chosen(choice)
    tools = [_client_tool(function) for function in functions if named is None or function.get("name") in named]
    return ClientTools(tools, required and bool(tools), single=body.get("parallel_tool_calls") is False)


def beside(own: Sequence[Tool], client: ClientTools) -> list[Tool]:
    """Our tools, those with a name that the client's have by their server's name and theirs."""
    taken = set(client.names)
    kept = []
    for tool in own:
        name = tool.name
        while name in taken:
            name = f"{tool.server}__{name}"
        taken.add(name)
        kept.append(tool if name == tool.name else replace(tool, name=name))
    return kept


def _client_tool(function: Mapping[str, Any]) -> ClientTool:
    return ClientTool(function["name"], function.get("description") or "", function.get("parameters") or {})


def _chosen(choice: Any) -> tuple[frozenset[str] | None, bool]:
    """The functions that may be called, None for all; and whether one must be."""
    if not isinstance(choice, dict):
        return None, choice == "required"
    if isinstance(function := choice.get("function"), dict):
        return frozenset({str(function.get("name"))}), True
    if isinstance(allowed := choice.get("allowed_tools"), dict):
        named = [tool.get("function") or {} for tool in allowed.get("tools") or () if isinstance(tool, dict)]
        return frozenset(str(function.get("name")) for function in named), allowed.get("mode") == "required"
    return None, False
