"""ReasoningStep: how it is asked of a model, and how it is read from what the model replied. Nothing is ever made up."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import from_json, to_json

from api.llm import ModelInfo


class NextAction(StrEnum):
    """What the model wants to do next."""

    CONTINUE_THINKING = "continue_thinking"
    USE_TOOLS = "use_tools"
    FINISHED = "finished"


class ToolRequest(BaseModel):
    """A call that the model wants made. On the wire its arguments are JSON as text: a strict schema knows no free-form object."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="The tool's name")
    arguments: dict[str, Any] = Field(
        description="The tool's arguments: a JSON object, written as a string", json_schema_extra={"type": "string"}
    )
    reason: str = Field(description="Why this call is needed")

    @field_validator("arguments", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return from_json(value or "{}", allow_inf_nan=False)
        except ValueError as error:
            raise ValueError(f"is not a JSON object written as a string: {error}") from None

    @field_serializer("arguments", when_used="json")
    def _as_text(self, value: dict[str, Any]) -> str:
        # The model reads its own earlier steps: they have the form that it is asked for.
        return to_json(value).decode()


class ReasoningStep(BaseModel):
    """One step, as the model planned it."""

    model_config = ConfigDict(extra="forbid")

    thought: str = Field(description="What is concluded from what is known, and what is still missing")
    next_action: NextAction
    tools_to_use: list[ToolRequest] = Field(description="The calls to make now; empty unless next_action is use_tools")
    concurrent_execution: bool = Field(description="Whether the calls may run side by side")

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


class StepInvalid(ValueError):
    """What the model replied is no step; the message tells the model what was wrong."""


def parse_step(content: str | None) -> ReasoningStep:
    """The step that the model's reply holds; a Markdown fence around the object is forgiven.

    Raises:
        StepInvalid: there is no step in it.
    """
    if not content or not content.strip():
        raise StepInvalid("it was empty")
    try:
        value = from_json(_unfenced(content), allow_inf_nan=False)
    except ValueError as error:
        raise StepInvalid(f"it was not one JSON object ({error})") from None
    try:
        return ReasoningStep.model_validate(value)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the object'}: {fault['msg']}" for fault in error.errors()]
        raise StepInvalid("; ".join(faults[:5])) from None


def response_format(model: ModelInfo | None) -> dict[str, Any]:
    """How this model is asked for a step, by what LiteLLM says that it can do: a schema, JSON mode, or words alone."""
    if model is not None and model.supports_response_schema:
        schema = {"name": "ReasoningStep", "strict": True, "schema": _strict_schema()}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if model is None or model.supports_response_format:
        return {"response_format": {"type": "json_object"}}
    return {}


def _unfenced(content: str) -> str:
    fenced = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n\s*```\s*", content, re.DOTALL)
    return fenced.group(1) if fenced else content


def _strict_schema() -> dict[str, Any]:
    """The schema in the subset that strict structured output accepts: no titles or defaults, arguments as text."""
    schema = ReasoningStep.model_json_schema()
    arguments = schema["$defs"]["ToolRequest"]["properties"]["arguments"]
    arguments.pop("additionalProperties", None)
    return _without_titles(schema)


def _without_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_titles(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
