"""The model of a provider that has none: what the demo says, which tool it calls, which JSON it gives."""

import json
from dataclasses import dataclass, field
from typing import Any

from local_stack.demo_provider.agent import described_schema, findings, question_of, structured
from local_stack.demo_provider.prompt import Prompt, ToolSpec

LONGEST_ECHO = 300


@dataclass(frozen=True)
class Thought:
    """Text, or calls as (name, arguments)."""

    text: str = ""
    tool_calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def think(prompt: Prompt) -> Thought:
    calls = _tool_calls(prompt)
    if calls:
        return Thought(tool_calls=calls)
    schema = prompt.schema if prompt.schema is not None else described_schema(prompt)
    if schema is not None:
        return Thought(json.dumps(structured(prompt, schema), ensure_ascii=False))
    if prompt.json_mode:
        return Thought(json.dumps({"demo": True, "message": _speech(prompt)}, ensure_ascii=False))
    return Thought(_speech(prompt))


def _tool_calls(prompt: Prompt) -> list[tuple[str, dict[str, Any]]]:
    chosen = _chosen_tools(prompt)
    if not prompt.parallel_tool_calls:
        chosen = chosen[:1]
    return [(tool.name, structured(prompt, tool.parameters)) for tool in chosen]


def _chosen_tools(prompt: Prompt) -> list[ToolSpec]:
    """The tools that have to be called; left to choose, those that the question names and that have not answered."""
    if prompt.tool_choice == "none" or not prompt.tools:
        return []
    if prompt.tool_choice not in {"auto", "required"}:
        return [tool for tool in prompt.tools if tool.name == prompt.tool_choice]
    if findings(prompt):
        return []
    question = prompt.question.lower()
    named = [
        tool for tool in prompt.tools if {tool.name.lower(), tool.name.lower().replace("_", " ")} & _in(question, tool)
    ]
    return named or (prompt.tools[:1] if prompt.tool_choice == "required" else [])


def _in(question: str, tool: ToolSpec) -> set[str]:
    name = tool.name.lower()
    return {form for form in (name, name.replace("_", " ")) if form in question}


def _speech(prompt: Prompt) -> str:
    opening = (
        f"This is the demo provider answering as {prompt.model}: no provider key is set, so no real model was asked."
    )
    found = findings(prompt)
    if found:
        return f"{opening} The tools said: {_shortened('; '.join(found))}"
    question = question_of(prompt)
    return f"{opening} You asked: “{_shortened(question)}”" if question else f"{opening} You asked nothing."


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_ECHO else flat[:LONGEST_ECHO] + "…"
