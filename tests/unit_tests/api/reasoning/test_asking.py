"""How a model is asked for a step: by what LiteLLM says that it can do."""

from typing import Any

import pytest

from api.errors import APIError, UpstreamError
from api.llm import ModelInfo
from api.reasoning.asking import THINKING_ROOM, RefusedForms, length_limit, refuses_form, step_forms


def _model(*, schema: bool = True, json_mode: bool = True, thinks: bool = False, **more: Any) -> ModelInfo:
    return ModelInfo("m", schema, json_mode, thinks, **more)


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (_model(), ["json_schema", "json_schema", "json_object", None]),
        (_model(json_mode=False), ["json_schema", "json_schema", None]),
        (_model(schema=False), ["json_object", None]),
        (_model(schema=False, json_mode=False), [None]),
        (None, ["json_object", None]),
    ],
)
def test_what_a_model_can_decides_how_it_is_asked(model: ModelInfo | None, asked: list[str | None]) -> None:
    forms = step_forms(model, [])
    assert [form.fields.get("response_format", {}).get("type") for form in forms] == asked
    assert [form.nested for form in forms] == [kind == "json_schema" for kind in asked]


REFUSALS: dict[str, tuple[int, dict[str, Any], bool]] = {
    "a word of the schema": (
        400,
        {"message": "In context=(), 'maxLength' is not permitted.", "param": "response_format"},
        True,
    ),
    "Anthropic": (
        400,
        {"message": "output_format.schema: For 'array' type, property 'maxItems' is not supported"},
        True,
    ),
    "llama.cpp": (400, {"message": "failed to parse grammar"}, True),
    "too long": (400, {"message": "schema", "code": "context_length_exceeded"}, False),
    "something else": (400, {"message": "Unknown parameter: 'mood'."}, False),
    "a failure": (500, {"message": "invalid schema"}, False),
    "too many": (429, {"message": "invalid schema"}, False),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_provider_that_does_not_take_a_form_says_so(case: str) -> None:
    status, error, refuses = REFUSALS[case]
    raised: APIError = UpstreamError(status, error)
    assert refuses_form(raised) is refuses


def test_of_many_models_the_latest_are_remembered() -> None:
    refused = RefusedForms()
    for n in range(2_000):
        refused.remember(f"m{n}", 1)
    assert (refused.of("m0"), refused.of("m1999")) == (0, 1)


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 50_000}}


@pytest.mark.parametrize(
    ("model", "body", "sent"),
    [
        (None, {}, {"max_completion_tokens": 100}),
        (_model(), {}, {"max_tokens": 100}),
        (_model(), THINKING, {"max_tokens": 100}),
        (_model(max_output_tokens=60), {}, {"max_tokens": 60}),
        (_model(thinks=True), {}, {"max_completion_tokens": 100 + THINKING_ROOM}),
        (_model(thinks=True), THINKING, {"max_completion_tokens": 50_100}),
        (_model(thinks=True), {"reasoning": {"max_tokens": 50_000}}, {"max_completion_tokens": 50_100}),
        (_model(thinks=True), {"reasoning": "high"}, {"max_completion_tokens": 100 + THINKING_ROOM}),
        (_model(thinks=True, max_output_tokens=8_192), {}, {"max_completion_tokens": 8_192}),
        (_model(length_parameters=frozenset()), {}, {}),
    ],
)
def test_a_steps_length_is_limited_and_thinking_has_room_beside_it(
    model: ModelInfo | None, body: dict[str, Any], sent: dict[str, int]
) -> None:
    assert length_limit(model, body, 100) == sent
