"""How a model is asked for a step: in which form, by what LiteLLM says that it can do, and at what length at most."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from api.errors import APIError
from api.llm import ModelInfo, is_context_overflow
from api.reasoning.client_tools import Described
from api.reasoning.step_schema import arguments_of, reduced_schema, step_schema

# What a model thinks counts as what it writes. OpenAI advises to leave so many tokens for it; other makers' models need no more.
THINKING_ROOM = 25_000
REMEMBERED_MODELS = 1_000
_OF_THE_FORM = re.compile(r"schema|response_format|output_format|grammar|json_object|json mode", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StepForm:
    """One way to ask. `nested`: the step has its alternatives in an object of their own, as the schema says."""

    fields: Mapping[str, Any]
    nested: bool = False


def step_forms(model: ModelInfo | None, tools: Sequence[Described], *, may_finish: bool = True) -> list[StepForm]:
    """The ways to ask this model, the strictest first: a schema, a reduced one, JSON mode, words alone."""
    forms = [StepForm({"response_format": {"type": "json_object"}}), StepForm({})]
    if model is not None and not model.supports_response_format:
        forms = forms[1:]
    if model is not None and model.supports_response_schema:
        arguments = arguments_of(tools)
        schemas = [schema(arguments, may_finish=may_finish) for schema in (step_schema, reduced_schema)]
        forms = [*map(_by_schema, schemas), *forms]
    return forms


def refuses_form(error: APIError) -> bool:
    """Did the provider refuse the way it was asked, such as a word of the schema that its strict mode does not know?"""
    refused = error.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
    return refused and not is_context_overflow(error) and bool(_OF_THE_FORM.search(f"{error.param} {error.message}"))


@dataclass(frozen=True, slots=True)
class RefusedForms:
    """How many of its forms each model's provider has refused so far, so that it is asked in vain once and not every time."""

    _counts: "OrderedDict[str, int]" = field(default_factory=OrderedDict)

    def of(self, model: str) -> int:
        """So many forms need not be tried."""
        return self._counts.get(model, 0)

    def remember(self, model: str, count: int) -> None:
        """These were refused."""
        self._counts[model] = count
        self._counts.move_to_end(model)
        if len(self._counts) > REMEMBERED_MODELS:
            self._counts.popitem(last=False)


def length_limit(model: ModelInfo | None, body: Mapping[str, Any], limit: int) -> dict[str, int]:
    """The field that limits a step's tokens: for a model that thinks, with room for it, since its thinking counts too.

    `max_tokens` is understood everywhere but by OpenAI's models that think; LiteLLM translates either for other makers. Of a
    model that LiteLLM has not described, nobody knows whether it is one of those.
    """
    if model is None:
        return {"max_completion_tokens": limit}
    parameter = "max_completion_tokens" if model.supports_reasoning else "max_tokens"
    if parameter not in model.length_parameters:
        return {}
    whole = limit + max(THINKING_ROOM, _asked_thinking(body)) if model.supports_reasoning else limit
    return {parameter: min(whole, model.max_output_tokens or whole)}


def _asked_thinking(body: Mapping[str, Any]) -> int:
    """The thinking that the caller gives the model, in Anthropic's words or OpenRouter's: the limit has to lie above it."""
    for name, inner in (("thinking", "budget_tokens"), ("reasoning", "max_tokens")):
        asked = body.get(name)
        tokens = asked.get(inner) if isinstance(asked, dict) else None
        if isinstance(tokens, int):
            return tokens
    return 0


def _by_schema(schema: dict[str, Any]) -> StepForm:
    asked = {"name": "ReasoningStep", "strict": True, "schema": schema}
    return StepForm({"response_format": {"type": "json_schema", "json_schema": asked}}, nested=True)
