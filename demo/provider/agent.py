"""The demo as a small agent: it plans a step, picks demo tools, sees their results, finishes; and it routes requests."""

import json
import re
from typing import Any

import jsonschema
import referencing.exceptions

from demo.provider.planner import TOOLS, ToolUse, plan
from demo.provider.prompt import Prompt, Turn
from demo.provider.schema import instance
from demo.provider.step_schema import StepFields, ToolFields, form_in, mode_field, schema_in, step_fields
from demo.provider.told_tools import any_of, meant, told_tools

STEP_MARK = '"next_action"'
WORTH_REASONING = re.compile(
    r"step[- ]by[- ]step|\bcompar|\bdifference between\b|\bpros and cons\b|\btrade-?offs?\b|\banaly[sz]|\bcalculat"
    r"|\bwork out\b|\bhow (?:many|much|long|far)\b|\bprove\b|\binvestigat|\bresearch|\bplan\b|\bfirst\b.*\bthen\b"
)


def structured(prompt: Prompt, schema: dict[str, Any]) -> dict[str, Any]:
    """The object that the schema asks for: a step, a routing decision, or a small instance of anything else."""
    fields, mode = step_fields(schema), mode_field(schema)
    base = instance(schema)
    value: dict[str, Any] = base if isinstance(base, dict) else {}
    filled = _step(prompt, fields) if fields else _route(prompt, mode, schema) if mode else {}
    merged = value | filled
    return merged if satisfies(merged, schema) else value


def satisfies(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the value is valid; a schema with references that lead nowhere, as a model would, is read leniently.

    LiteLLM writes such references (`/$defs/…`, without the `#`) when it makes a forced tool of a pydantic class.
    """
    try:
        return jsonschema.Draft202012Validator(schema).is_valid(value)
    except (referencing.exceptions.Unresolvable, jsonschema.exceptions.UnknownType):
        return True


def described_schema(prompt: Prompt) -> dict[str, Any] | None:
    """The schema of a step that the prompt describes in words, where the request itself has none."""
    told = [turn.text for turn in prompt.turns if turn.role in {"system", "developer"}]
    return next((schema for text in told if (schema := schema_in(text) or form_in(text)) is not None), None)


def question_of(prompt: Prompt) -> str:
    """What the user asked: the last user turn before the agent's own work began, and not an instruction for a step."""
    before = prompt.turns[: _work_begins(prompt)]
    said = [turn.question for turn in before if turn.role == "user"]
    asked = [text for text in said if text.strip() and STEP_MARK not in text]
    return asked[-1] if asked else prompt.question


def findings(prompt: Prompt) -> list[str]:
    """What came back since the agent's work began: the tools' own turns, or else what was told between its steps."""
    work = prompt.turns[_work_begins(prompt) :]
    results = [turn.text for turn in work if turn.role == "tool"]
    told = [turn.text for turn in work if turn.role != "assistant" and turn.text.strip()]
    called = {use.tool for use in plan(question_of(prompt))}
    return results or [_readable(text) for text in told if any(tool in text for tool in called)]


def calls_made(prompt: Prompt) -> list[str]:
    """The names of the tools that were called since the agent's work began."""
    return [name for turn in prompt.turns[_work_begins(prompt) :] for name in turn.calls]


def _readable(text: str) -> str:
    """Results that are told as a list of JSON objects, as `tool: result`; anything else as it is."""
    _, _, listed = text.partition("[")
    try:
        value, _ = json.JSONDecoder().raw_decode("[" + listed)
        return "; ".join(f"{item['tool']}: {item['result']}" for item in value)
    except (ValueError, KeyError, TypeError):
        return text


def _work_begins(prompt: Prompt) -> int:
    """The place of the first step, or call, that answers the last question; the end if none was taken.

    A plain answer ends the work before it. So does a new question after calls, but not what is told after a step:
    an agent's loop may give results and instructions to its model as a user's words.
    """
    begins, told = len(prompt.turns), False
    for place in reversed(range(len(prompt.turns))):
        turn = prompt.turns[place]
        if turn.role == "assistant":
            if not _is_step(turn) or (told and STEP_MARK not in turn.text):
                break
            begins = place
        told = told or (turn.role == "user" and bool(turn.question.strip()))
    return begins


def _is_step(turn: Turn) -> bool:
    return bool(turn.calls) or STEP_MARK in turn.text


def _step(prompt: Prompt, fields: StepFields) -> dict[str, Any]:
    begun = _work_begins(prompt) < len(prompt.turns)
    planned = [] if begun and fields.may_finish else _planned(prompt, must_call=not fields.may_finish)
    if not planned or fields.tools is None or fields.tool is None:
        return _filled(fields, _closing_thought(prompt, begun=begun), "finished", [], concurrent=False)
    entries = [_entry(fields.own.get(name, fields.tool), name, use) for name, use in planned]
    reasons = "; ".join(f"{use.why}, so I use {name}" for name, use in planned)
    return _filled(fields, f"(demo) {_capital(reasons)}.", "use_tools", entries, concurrent=len(entries) > 1)


def _planned(prompt: Prompt, *, must_call: bool) -> list[tuple[str, ToolUse]]:
    """The demo tools that the question calls for, then those of others that it is about."""
    question = question_of(prompt)
    planned = [(name, use) for use in plan(question) if (name := _offered_name(prompt, use.tool)) is not None]
    others = [tool for tool in told_tools(prompt) if tool.name.rpartition("__")[2] not in TOOLS]
    uses = meant(question, others)
    if must_call and not uses:
        uses = any_of(question, others)
    return planned + [(use.tool, use) for use in uses]


def _closing_thought(prompt: Prompt, *, begun: bool) -> str:
    found = findings(prompt)
    if found:
        return f"(demo) I have what the tools found: {' '.join(' | '.join(found).split())[:300]}"
    return "(demo) There is no more to do." if begun else "(demo) This calls for none of the tools: I can answer now."


def _filled(fields: StepFields, thought: str, action: str, tools: list[Any], *, concurrent: bool) -> dict[str, Any]:
    said = {fields.thought: thought} if fields.thought else {}
    calls = {fields.tools: tools, fields.concurrent: concurrent}
    if fields.chosen is None:
        return said | _named({fields.action: action, **calls})
    # A form of its own for each action: only the one that calls tools has fields for calls.
    return said | {fields.chosen: _named({fields.action: action, **(calls if tools else {})})}


def _named(values: dict[str | None, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name is not None}


def _entry(fields: ToolFields, name: str, use: ToolUse) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(fields.arguments_required) | use.arguments
    arguments = json.dumps(use.arguments, ensure_ascii=False) if fields.arguments_are_text else said
    return _named({fields.name: name, fields.arguments: arguments, fields.why: _capital(use.why) + "."})


def _offered_name(prompt: Prompt, tool: str) -> str | None:
    """The tool's name as the prompt has it, with a server's prefix if it bears one; None if it is not offered."""
    pattern = re.compile(rf"(?<![\w-])(?:[\w-]+[_.:/-])?{tool}(?![\w-])")
    offered = [spec.name for spec in prompt.tools if pattern.fullmatch(spec.name)]
    told = "\n".join(turn.text for turn in prompt.turns if turn.role in {"system", "developer"})
    return max([*offered, *pattern.findall(told)], key=len, default=None)


def _route(prompt: Prompt, mode: str, schema: dict[str, Any]) -> dict[str, Any]:
    question = question_of(prompt)
    worth = bool(plan(question)) or WORTH_REASONING.search(question.lower()) is not None
    why = "it calls for tools or for more than one step" if worth else "words alone answer it"
    texts = {
        name: f"(demo) {_capital(why)}."
        for name, field in schema.get("properties", {}).items()
        if field.get("type") == "string" and "enum" not in field
    }
    return texts | {mode: "reasoning" if worth else "passthrough"}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
