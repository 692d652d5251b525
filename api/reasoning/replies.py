"""What a model replied when it was asked for a step: where the step stands in it, or what the reply was instead."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.dialects.openai import refusal
from api.reasoning.json_objects import NoJSON, decode, objects_in
from api.reasoning.steps import ReasoningStep, StepInvalid, is_meant_as_step, step_of

MOST_TOLD = 2_000  # characters of a reply that its model reads again, when it is asked to mend it
_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_THOUGHT_FIELDS = ("reasoning_content", "reasoning")
_NOT_ONE = "it was not one JSON object"


class _Unclear(StepInvalid):
    """There is no one object to be read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The first choice of an answer, whatever its form."""

    content: str = ""
    thinking: str = ""
    """What the provider took for thinking, where some servers leave the whole reply."""
    calls: tuple[Mapping[str, str], ...] = ()
    """Calls that were made natively, as `name` and `arguments`."""
    refused: bool = False
    cut_off: bool = False

    @property
    def told(self) -> str:
        """The reply as its model reads it again; strict templates and providers want some text."""
        text = self.content.strip() or self.thinking.strip() or "(no text)"
        return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]} …"

    def step(self) -> ReasoningStep:
        """The step that the reply is.

        Raises:
            StepInvalid: it is none; the message says what it was.
        """
        try:
            return step_of(self._object())
        except _Unclear as problem:
            raise StepInvalid(self._what_it_was(problem)) from None

    def _object(self) -> Mapping[str, Any]:
        for text in _without_thought(self.content):
            if (value := _object_in(text)) is not None:
                return value
        for text in self._elsewhere():
            if (value := _object_in(text)) is not None and is_meant_as_step(value):
                return value
        raise _Unclear(_what_words_were(self.content))

    def _elsewhere(self) -> Iterator[str]:
        """Where a step may stand when nothing was said: some servers take the whole reply for thinking, or for a call."""
        if not next(_without_thought(self.content)).strip():
            yield from _without_thought(self.thinking)
            yield from (call["arguments"] for call in self.calls)

    def _what_it_was(self, problem: _Unclear) -> str:
        nothing = not self.content.strip()
        if self.cut_off:
            where = "before it said anything" if nothing else "before its JSON object was complete"
            return f"it was cut off at its length limit, {where}. Be much shorter: a thought of one or two sentences"
        if self.calls:
            names = ", ".join(call["name"][:100] for call in self.calls[:5])
            empty = "its text was empty, and " if nothing else ""
            return f"{empty}it called tools natively ({names}). No call was made: write the calls into tools_to_use"
        return "it was empty" if nothing else str(problem)


def read_reply(answer: Any) -> Reply:
    """The reply in a chat completion; of an answer of another form, an empty one."""
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        return Reply(
            content=_text(message.get("content")),
            thinking=next(filter(str.strip, _thinking(message)), ""),
            calls=tuple(_calls(message)),
            # Anthropic's refusals are text, and nothing but this finish reason tells them from a reply.
            refused=bool(refusal(message)) or choice.get("finish_reason") == "content_filter",
            cut_off=choice.get("finish_reason") == "length",
        )
    except (LookupError, TypeError, AttributeError):
        return Reply()


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def _thinking(message: Mapping[str, Any]) -> Iterator[str]:
    for place in (message, message.get("provider_specific_fields")):
        if isinstance(place, dict):
            yield from (_text(place.get(field)) for field in _THOUGHT_FIELDS)


def _calls(message: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    made = [call.get("function") for call in message.get("tool_calls") or () if isinstance(call, dict)]
    for function in (*made, message.get("function_call")):
        if isinstance(function, dict):
            yield {"name": str(function.get("name")), "arguments": str(function.get("arguments") or "")}


def _without_thought(text: str) -> Iterator[str]:
    """What was said after the thought, which may hold drafts; then all of it, for a step may stand nowhere else."""
    *before, said = _THOUGHT_ENDS.split(text)
    yield said
    if before:
        yield text


def _object_in(text: str) -> Mapping[str, Any] | None:
    """The one object that the text holds, or the one among several that says what to do next."""
    try:
        value = decode(text)
        while isinstance(value, str):  # JSON in a text.
            value = decode(value)
        found = [value] if isinstance(value, dict) else []
    except NoJSON:
        found = list(_scattered(text))
    meant = [value for value in found if is_meant_as_step(value)]
    if len(meant) > 1 or (not meant and len(found) > 1):
        raise _Unclear(f"{_NOT_ONE} but {len(found)}: decide on one step")
    return next(iter(meant or found), None)


def _scattered(text: str) -> Iterator[dict[str, Any]]:
    for written in objects_in(text):
        try:
            yield decode(written)
        except NoJSON as problem:
            # What was meant as a step is not passed over in favour of another one.
            if "next_action" in written:
                raise _Unclear(f"{_NOT_ONE} ({problem})") from None


def _what_words_were(text: str) -> str:
    try:
        kind = type(decode(text)).__name__
    except NoJSON as problem:
        return f"{_NOT_ONE} ({problem})" if next(objects_in(text), None) else f"{_NOT_ONE} but words"
    named = {"list": "an array", "str": "a text", "NoneType": "null"}.get(kind, "a single value")
    return f"{_NOT_ONE} but {named}: write the object itself"
