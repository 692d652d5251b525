"""Finding, in a JSON schema of whatever names, the fields of an agent's step or of a routing decision."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from demo.provider.schema import resolved

JSON_START = re.compile(r"\{")
ACTIONS = ["continue_thinking", "use_tools", "finished"]
ENDS = {"use_tools", "finished"}  # what a step has that is worth taking
# The parts of a step's form as a prompt draws it for JSON mode: keys with examples, choices and remarks for values.
FORM_START = re.compile(r'\{\s*"(\w+)":\s*"')
FORM_ACTION = re.compile(r'"(\w+)":\s*"continue_thinking"')
FORM_TOOLS = re.compile(r'"(\w*tool\w*)":\s*\[\s*\{(.+?)\}\s*\]', re.DOTALL)
FORM_ENTRY = re.compile(r'"(\w+)":\s*(\{|"([^"]*)")')
FORM_FLAG = re.compile(r'"(\w+)":\s*(?:true|false)')


@dataclass(frozen=True)
class ToolFields:
    """The names in one entry of the list of tools to use; `arguments_are_text` when they have to be JSON in a string."""

    name: str
    arguments: str | None
    why: str | None
    arguments_are_text: bool
    arguments_required: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepFields:
    """The names in a step; `tools` and what follows are None where the schema knows no tools.

    `chosen` is the field that holds all but the thought, where a schema has a form for each action; `own` are the names in the
    entries of those tools that have an entry of their own.
    """

    action: str
    thought: str | None
    tools: str | None
    concurrent: str | None
    tool: ToolFields | None
    chosen: str | None = None
    own: dict[str, ToolFields] = field(default_factory=dict)
    may_finish: bool = True


def step_fields(schema: dict[str, Any]) -> StepFields | None:
    """The step's names, or None for a schema of something else: what a step has is an action that can be `finished`."""
    properties = _properties(schema, schema)
    chosen = _first(properties, lambda _, held: bool(_actions(held.get("anyOf", []), schema) & ENDS))
    if chosen is None:
        return _fields(properties, schema)
    alternatives = [_properties(form, schema) for form in properties[chosen]["anyOf"]]
    together = {name: held for form in alternatives for name, held in form.items()}
    action = next(name for name in together if all(name in form for form in alternatives))
    together[action] = {"enum": ACTIONS}
    found = _fields(properties | together, schema)
    may_finish = "finished" in _actions(properties[chosen]["anyOf"], schema)
    return replace(found, chosen=chosen, may_finish=may_finish) if found else None


def _actions(forms: list[dict[str, Any]], root: dict[str, Any]) -> set[str]:
    """What the forms that differ by one field's only value are for."""
    held = [held for form in forms for held in _properties(form, root).values()]
    return {str(one["enum"][0]) for one in held if len(one.get("enum", [])) == 1}


def _fields(properties: dict[str, dict[str, Any]], schema: dict[str, Any]) -> StepFields | None:
    action = _first(properties, lambda _, field: {"use_tools", "finished"} <= set(field.get("enum", [])))
    if action is None:
        return None
    tools = _first(properties, lambda name, field: field.get("type") == "array" and "tool" in name)
    items = resolved(properties[tools].get("items", {}), schema) if tools else {}
    entries = [_properties(entry, schema) for entry in items.get("anyOf", [items])]
    return StepFields(
        action,
        _first(properties, lambda name, field: _is_text(field) and "thought" in name)
        or _first(properties, lambda name, field: _is_text(field) and name != action),
        tools,
        _first(
            properties,
            lambda name, field: field.get("type") == "boolean" and ("concurrent" in name or "parallel" in name),
        ),
        _tool_fields(entries[0]) if tools else None,
        own={
            name: own for entry in entries if (own := _tool_fields(entry)) for name in entry[own.name].get("enum", [])
        },
    )


def mode_field(schema: dict[str, Any]) -> str | None:
    """The name of the field that chooses between passthrough and reasoning."""
    choices = {"passthrough", "reasoning"}
    return _first(_properties(schema, schema), lambda _, field: choices <= set(field.get("enum", [])))


def schema_in(text: str) -> dict[str, Any] | None:
    """A step's JSON schema that stands somewhere in the text, as JSON mode needs it."""
    decoder = json.JSONDecoder()
    for start in JSON_START.finditer(text):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except ValueError:
            continue
        if "properties" in value and (step_fields(value) or mode_field(value)):
            return dict(value)
    return None


def form_in(text: str) -> dict[str, Any] | None:
    """The schema of a step whose form the text draws instead of giving its schema."""
    action, tools, flag = FORM_ACTION.search(text), FORM_TOOLS.search(text), FORM_FLAG.search(text)
    if action is None or tools is None:
        return None
    start = FORM_START.search(text)
    entry = {name: {"type": _drawn_type(name, remark)} for name, _, remark in FORM_ENTRY.findall(tools[2])}
    items = {"type": "object", "properties": entry, "required": list(entry)}
    properties: dict[str, Any] = {start[1]: {"type": "string"}} if start else {}
    properties |= {action[1]: {"enum": ACTIONS}, tools[1]: {"type": "array", "items": items}}
    properties |= {flag[1]: {"type": "boolean"}} if flag else {}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _drawn_type(name: str, remark: str) -> str:
    """Arguments are an object, unless the remark on them speaks of a string."""
    return "object" if "arg" in name and "string" not in remark else "string"


def _tool_fields(properties: dict[str, dict[str, Any]]) -> ToolFields | None:
    name = _first(properties, lambda name, field: field.get("type") == "string" and ("name" in name or name == "tool"))
    if name is None:
        return None
    arguments = _first(properties, lambda name, _: any(word in name for word in ("arg", "param", "input")))
    why = _first(properties, lambda name, field: _is_text(field) and ("why" in name or "reason" in name))
    held = properties[arguments] if arguments else {}
    return ToolFields(name, arguments, why, _is_text(held), tuple(held.get("required", ())))


def _properties(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    fields = resolved(schema, root).get("properties", {})
    return {name: resolved(field, root) for name, field in fields.items() if isinstance(field, dict)}


def _is_text(field: dict[str, Any]) -> bool:
    return field.get("type") == "string" and "enum" not in field


def _first(properties: dict[str, dict[str, Any]], fits: Any) -> str | None:
    return next((name for name, field in properties.items() if fits(name, field)), None)
