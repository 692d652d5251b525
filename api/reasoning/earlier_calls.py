"""Calls that a conversation holds natively, told as steps and their results: no call of ours has tools, without which many
providers refuse such turns."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from api.reasoning.steps import NextAction, ReasoningStep, ToolRequest
from api.tools import ToolCall

Message = Mapping[str, Any]


def as_steps(conversation: Sequence[Message], *, nested: bool) -> list[dict[str, Any]]:
    """The conversation with each turn of calls as a step, in the form in which the model is asked for one, and their results
    as the turn that follows it."""
    turns: list[dict[str, Any]] = []
    called: dict[str, ToolCall] = {}
    for are_results, messages in groupby(conversation, _is_result):
        if are_results:
            turns.append(_results(messages, called))
            continue
        for message in messages:
            calls = _calls(message)
            called |= calls
            turns.append(_as_step(message, calls.values(), nested=nested) if calls else dict(message))
    return turns


def open_calls(conversation: Sequence[Message]) -> list[list[ToolCall]]:
    """The calls of each turn since the user last spoke."""
    made: list[list[ToolCall]] = []
    for message in conversation:
        if message.get("role") == "user":
            made = []
        elif calls := _calls(message):
            made.append(list(calls.values()))
    return made


def results_text(results: Sequence[Mapping[str, Any]]) -> str:
    """Results as the model reads them: as JSON, so that none can look like anything but data."""
    return f"Tool results: {json.dumps(results, ensure_ascii=False)}"


def _is_result(message: Message) -> bool:
    return message.get("role") in ("tool", "function")


def _results(messages: Iterable[Message], called: Mapping[str, ToolCall]) -> dict[str, Any]:
    """Results that follow each other are one turn; images among them stand behind what is said."""
    told, others = [], []
    for message in messages:
        name = str(message.get("name") or "unknown")
        call = called.get(str(message.get("tool_call_id") or name)) or ToolCall(name, {})
        text, more = _split(message.get("content"))
        told.append({"tool": call.name, "arguments": dict(call.arguments), "result": text})
        others += more
    text = results_text(told)
    return {"role": "user", "content": [{"type": "text", "text": text}, *others] if others else text}


def _calls(message: Message) -> dict[str, ToolCall]:
    """By the ids that results name; a function's, of the old form, by its name."""
    if message.get("role") != "assistant":
        return {}
    made = [call for call in message.get("tool_calls") or () if isinstance(call, dict)]
    calls = {str(call.get("id")): _call(call.get("function") or call.get("custom") or {}) for call in made}
    if isinstance(function := message.get("function_call"), dict):
        calls[str(function.get("name"))] = _call(function)
    return calls


def _call(function: Mapping[str, Any]) -> ToolCall:
    return ToolCall(str(function.get("name")), _arguments(function.get("arguments", function.get("input"))))


def _arguments(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) and text.strip() else text or {}
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"arguments": value}


def _as_step(message: Message, calls: Iterable[ToolCall], *, nested: bool) -> dict[str, Any]:
    text, _ = _split(message.get("content"))
    requests = [ToolRequest(name=call.name, arguments=dict(call.arguments), reason="") for call in calls]
    side_by_side = len(requests) > 1
    step = ReasoningStep(
        thought=text, next_action=NextAction.USE_TOOLS, tools_to_use=requests, concurrent_execution=side_by_side
    )
    return {"role": "assistant", "content": step.told(nested=nested)}


def _split(content: Any) -> tuple[str, list[Any]]:
    """The text of a message, and its parts that are none."""
    if not isinstance(content, list):
        return (content if isinstance(content, str) else ""), []
    texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts), [part for part in content if not (isinstance(part, dict) and "text" in part)]
