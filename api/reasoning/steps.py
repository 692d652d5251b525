"""ReasoningStep: what a model plans, as it is checked and as it is told. Nothing that is missing is ever made up."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import to_json

from api.reasoning.json_objects import NoJSON, decode, objects_in

NEXT = "next"
"""Where a schema has the alternatives: strict modes allow none at the top."""
MOST_FAULTS = 5
_TIMES_IN_TEXT = 3  # A text in a text in a text is as much as any model has been seen to write.


class NextAction(StrEnum):
    """What the model wants to do next."""

    CONTINUE_THINKING = "continue_thinking"
    USE_TOOLS = "use_tools"
    FINISHED = "finished"


class ToolRequest(BaseModel):
    """A call that the model wants made."""

    model_config = ConfigDict(extra="forbid")

    name: str
    arguments: dict[str, Any]
    reason: str

    @field_validator("arguments", mode="before")
    @classmethod
    def _said_otherwise(cls, value: object) -> object:
        """No arguments may be `null` or an empty text, and an object may stand in a text."""
        for _ in range(_TIMES_IN_TEXT):
            if isinstance(value, str):
                value = _in_text(value)
        return {} if value is None else value

    @field_serializer("arguments", when_used="json")
    def _as_text(self, value: dict[str, Any]) -> str:
        return to_json(value).decode()


class ReasoningStep(BaseModel):
    """One step, as the model planned it."""

    model_config = ConfigDict(extra="forbid")

    thought: str
    next_action: NextAction
    tools_to_use: list[ToolRequest]
    concurrent_execution: bool

    @model_validator(mode="after")
    def _tools_fit_the_action(self) -> Self:
        if self.next_action is NextAction.USE_TOOLS and not self.tools_to_use:
            raise ValueError("next_action is use_tools, but tools_to_use is empty")
        if self.next_action is not NextAction.USE_TOOLS and self.tools_to_use:
            raise ValueError(
                f"next_action is {self.next_action.value}, but tools_to_use names calls: "
                "write use_tools to make them, or leave it empty"
            )
        return self

    def told(self, *, nested: bool) -> str:
        """The step as the model reads it later: in the form that it is asked for."""
        if not nested:
            return self.model_dump_json()
        chosen: dict[str, Any] = {"next_action": self.next_action.value}
        if self.tools_to_use:
            chosen["tools_to_use"] = [request.model_dump() for request in self.tools_to_use]
            chosen["concurrent_execution"] = self.concurrent_execution
        return json.dumps({"thought": self.thought, NEXT: chosen}, ensure_ascii=False)


class StepInvalid(ValueError):
    """What the model replied is no step; the message tells the model what was wrong."""


def step_of(value: Mapping[str, Any]) -> ReasoningStep:
    """The step that an object is, in either form.

    Raises:
        StepInvalid: naming the fields that are wrong.
    """
    try:
        return ReasoningStep.model_validate(_flat(value))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the object'}: {fault['msg']}" for fault in error.errors()]
        raise StepInvalid("; ".join(faults[:MOST_FAULTS])) from None


def is_meant_as_step(value: object) -> bool:
    """Does it say what to do next, rightly or not?"""
    return isinstance(value, dict) and "next_action" in _flat(value)


def _flat(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The step in an object, which may be all that another object holds, or have what it chose in an object of its own."""
    if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict) and "thought" in inner:
        value = inner
    chosen = value.get(NEXT)
    if not isinstance(chosen, dict) or "next_action" in value:
        return value
    calls_nothing = chosen.get("next_action") in (NextAction.CONTINUE_THINKING, NextAction.FINISHED)
    # In that form only `use_tools` has these fields.
    absent: dict[str, Any] = {"tools_to_use": [], "concurrent_execution": False} if calls_nothing else {}
    return absent | {name: said for name, said in value.items() if name != NEXT} | chosen


def _in_text(text: str) -> object:
    if not text.strip():
        return None
    try:
        return decode(text)
    except NoJSON as problem:
        return _only_object(text, problem)


def _only_object(text: str, problem: NoJSON) -> object:
    try:
        [found] = objects_in(text)
        return decode(found)
    except ValueError:
        raise ValueError(f"is not a JSON object: {problem}") from None
