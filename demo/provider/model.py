"""The model of a provider that has none: what the demo says, which tool it calls, which JSON it gives."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from demo.provider.agent import calls_made, described_schema, findings, question_of, satisfies, structured
from demo.provider.arguments import arguments_in, is_about
from demo.provider.coding_agent import OWN_TOOLS, Pick, form_to_fill, is_coding_agent, picks
from demo.provider.described import as_described
from demo.provider.memory import recalled
from demo.provider.prompt import Prompt, ToolSpec
from demo.provider.step_schema import mode_field, step_fields

LONGEST_ECHO = 300
KEY, NOUN = r"[`'\"]\w+[`'\"]", r"(?:keys?|fields?|properties)"
# “with 'setup' and 'punchline' keys”, “with the keys "a", "b" and "c"”
KEYS_ASKED = re.compile(rf"(?:{KEY}(?:,? and |, | ))+{NOUN}|{NOUN}:?(?:,?(?: and)? {KEY})+")


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
    if (text := as_described(prompt)) is not None:
        return Thought(text)
    if prompt.json_mode:
        return Thought(json.dumps(_free_json(prompt), ensure_ascii=False))
    return Thought(_speech(prompt))


def _tool_calls(prompt: Prompt) -> list[tuple[str, dict[str, Any]]]:
    chosen = _chosen_tools(prompt)
    if not prompt.parallel_tool_calls:
        chosen = chosen[:1]
    return [(tool.name, _arguments(prompt, tool) if arguments is None else arguments) for tool, arguments in chosen]


def _arguments(prompt: Prompt, tool: ToolSpec) -> dict[str, Any]:
    """What the question says of them over what the schema allows; a step or a route is no tool's argument."""
    base = structured(prompt, tool.parameters)
    if step_fields(tool.parameters) or mode_field(tool.parameters):
        return base
    told = base | arguments_in(question_of(prompt), tool.name, tool.parameters)
    return told if satisfies(told, tool.parameters) else base


def _chosen_tools(prompt: Prompt) -> list[Pick]:
    """The tools that have to be called; left to choose, those that the question names and that have not answered."""
    if prompt.tool_choice == "none" or not prompt.tools:
        return []
    if prompt.tool_choice not in {"auto", "required"}:
        return [(tool, None) for tool in prompt.tools if tool.name == prompt.tool_choice]
    meant = [] if findings(prompt) else _meant_tools(prompt)
    if not meant and (form := form_to_fill(prompt.tools, calls_made(prompt))) is not None:
        return [(form, None)]
    if not meant and prompt.tool_choice == "required" and not findings(prompt):
        return [(prompt.tools[0], None)]
    return meant


def _meant_tools(prompt: Prompt) -> list[Pick]:
    """A coding agent's own tools when they are plainly asked for, all others when the question is about them."""
    question = prompt.question
    if not is_coding_agent(prompt.tools):
        return [(tool, None) for tool in prompt.tools if is_about(question, tool.name)]
    others = [tool for tool in prompt.tools if tool.name not in OWN_TOOLS and is_about(question, tool.name)]
    return picks(question_of(prompt), prompt.tools) or [(tool, None) for tool in others]


def _speech(prompt: Prompt) -> str:
    if (remembered := recalled(prompt)) is not None:
        return remembered
    opening = (
        f"This is the demo provider answering as {prompt.model}: no provider key is set, so no real model was asked."
    )
    found = findings(prompt)
    if found:
        return f"{opening} The tools said: {_shortened('; '.join(found))}"
    question = question_of(prompt)
    return f"{opening} You asked: “{_shortened(question)}”" if question else f"{opening} You asked nothing."


def _free_json(prompt: Prompt) -> dict[str, Any]:
    """JSON without a schema: the keys that the question asks for, or else ours."""
    asked = KEYS_ASKED.search(question_of(prompt))
    keys = re.findall(r"[`'\"](\w+)[`'\"]", asked[0]) if asked else []
    return {key: _speech(prompt) for key in keys} or {"demo": True, "message": _speech(prompt)}


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_ECHO else flat[:LONGEST_ECHO] + "…"
