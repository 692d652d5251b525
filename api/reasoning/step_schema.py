"""The JSON schema of a step, which no invalid step fits: one form for each action, the tools that there are, their arguments.

`next` holds the alternatives, since strict modes want an object at the top, and each form begins with its action, since
OpenAI's takes no two that begin with the same field. Anthropic's strict mode knows no bounds; LiteLLM leaves them out there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from api.reasoning.argument_schema import MAX_TEXT, strict_arguments
from api.reasoning.client_tools import Described
from api.reasoning.steps import NEXT, NextAction

MAX_THOUGHT = 2_000  # characters
MAX_REASON = 300
MAX_CALLS = 10  # of one step
MAX_SIZE = 30_000  # characters of all tools' own schemas; beyond, arguments are asked for as text
# OpenAI's strict mode takes 1,000 values of an enum, and 15,000 characters in those of more than 250.
MAX_NAMES, MAX_NAMES_SIZE = 250, 10_000
_BOUNDS = ("maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


Arguments = Mapping[str, dict[str, Any] | None]
"""The strict schema of each tool's arguments; None: they are asked for as text."""


def arguments_of(tools: Sequence[Described]) -> Arguments:
    """The schemas of these tools, if all of them together are not too much."""
    own = {tool.name: strict_arguments(tool.input_schema) for tool in tools}
    return own if len(json.dumps(own)) <= MAX_SIZE else dict.fromkeys(own)


def step_schema(tools: Arguments, *, may_finish: bool = True) -> dict[str, Any]:
    """The schema for these tools."""
    actions = [NextAction.CONTINUE_THINKING, *([NextAction.FINISHED] if may_finish else [])]
    forms = [_form(action) for action in actions]
    if tools:
        calls = {"type": "array", "items": _call(tools), "minItems": 1, "maxItems": MAX_CALLS}
        concurrent = {"type": "boolean", "description": "Whether the calls may run side by side"}
        forms.insert(1, _form(NextAction.USE_TOOLS, tools_to_use=calls, concurrent_execution=concurrent))
    thought = _text("What is concluded from what is known, and what is still missing", MAX_THOUGHT)
    return _closed(thought=thought, **{NEXT: {"anyOf": forms}})


def reduced_schema(tools: Arguments, *, may_finish: bool = True) -> dict[str, Any]:
    """The same alternatives without bounds, which some strict modes refuse, and with all arguments as text."""
    return _unbounded(step_schema(dict.fromkeys(tools), may_finish=may_finish))


def _form(action: NextAction, **fields: Any) -> dict[str, Any]:
    return _closed(next_action={"type": "string", "enum": [action.value]}, **fields)


def _call(tools: Arguments) -> dict[str, Any]:
    """A form for each tool whose arguments a strict schema can say, and one for all others."""
    forms = [_call_of(_one_of([name]), schema) for name, schema in tools.items() if schema is not None]
    if others := [name for name, schema in tools.items() if schema is None]:
        arguments = _text("The tool's arguments: a JSON object, written as a string", MAX_TEXT)
        forms.append(_call_of(_one_of(others), arguments))
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _call_of(name: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return _closed(name=name, arguments=arguments, reason=_text("Why this call is needed", MAX_REASON))


def _one_of(names: list[str]) -> dict[str, Any]:
    if len(names) > MAX_NAMES or sum(map(len, names)) > MAX_NAMES_SIZE:
        return _text("The tool's name", max(map(len, names)))
    return {"type": "string", "enum": names}


def _text(description: str, longest: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": longest}


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _unbounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without bounds. The fields' names are ours, and none of them is a bound's."""
    return {name: _without(value) for name, value in schema.items() if name not in _BOUNDS}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return _unbounded(value)
    return [_without(inner) for inner in value] if isinstance(value, list) else value
