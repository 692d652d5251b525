"""One request's own state: its limits, its repetitions, and what the next step reads."""

import json
from typing import Any

import pytest

from api.context import Caller, RequestContext
from api.reasoning.events import End
from api.reasoning.run import Limits, Run
from api.tools.tool import ToolCall, ToolResult

ADD = ToolCall("add", {"a": 1, "b": 2})
SAME = ToolCall("add", {"b": 2, "a": 1})
OTHER = ToolCall("add", {"a": 1, "b": 3})


@pytest.fixture
def run() -> Run:
    body = {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}
    return Run(body, RequestContext(Caller("c")), (), None)


@pytest.mark.parametrize(
    ("steps", "usage", "limits", "end"),
    [
        (1, {}, Limits(max_steps=2), None),
        (2, {}, Limits(max_steps=2), End.MAX_STEPS),
        (1, {"total_tokens": 99}, Limits(max_tokens=100), None),
        (1, {"total_tokens": 100}, Limits(max_tokens=100), End.MAX_TOKENS),
        (1, {"cost": 0.09}, Limits(max_cost=0.1), None),
        (1, {"cost": 0.1}, Limits(max_cost=0.1), End.MAX_COST),
        (1, {"total_tokens": 10**9, "cost": 10.0**9}, Limits(), None),
        (20, {}, Limits(), End.MAX_STEPS),
        (0, {}, Limits(max_tokens=1, max_cost=0.1), None),
    ],
)
def test_the_first_limit_that_is_reached_ends_it(
    run: Run, steps: int, usage: dict[str, Any], limits: Limits, end: End | None
) -> None:
    run.steps, run.usage = steps, usage
    assert run.limit_reached(limits) is end


@pytest.mark.parametrize(
    ("steps", "repeated"),
    [
        ([[ADD], [ADD]], False),
        ([[ADD], [ADD], [ADD]], True),
        ([[ADD], [SAME], [ADD]], True),
        ([[ADD], [ADD], [OTHER], [ADD]], False),
        ([[ADD], [OTHER], [ADD], [OTHER], [ADD]], False),
        ([[ADD, ADD, ADD]], True),
        ([[OTHER, ADD], [ADD, ADD]], True),
        ([[OTHER, ADD, OTHER, ADD, OTHER, ADD], [ADD], [ADD]], True),
        ([[ADD, ADD, OTHER], [ADD]], False),
        ([[ADD], [ADD], [ADD, OTHER]], True),
        ([[ADD, OTHER], [ADD, OTHER]], False),
        ([[ADD, OTHER], [ADD, OTHER], [ADD, OTHER]], True),
        ([[ADD, OTHER], [OTHER, SAME], [ADD, OTHER]], True),
        ([[ADD, OTHER], [ADD, OTHER], [OTHER], [ADD, OTHER]], False),
        ([[]], False),
    ],
)
def test_three_identical_calls_or_steps_in_a_row_are_noticed_at_the_third(
    run: Run, steps: list[list[ToolCall]], repeated: bool
) -> None:
    noticed = [run.repeats(calls) for calls in steps]
    assert noticed == [False] * (len(steps) - 1) + [repeated]


def test_a_step_becomes_the_models_own_turn(run: Run) -> None:
    run.remember_step("I think.", "{}")
    assert run.progress == [{"role": "assistant", "content": "{}"}]


def test_results_become_one_turn_of_data_in_the_calls_order(run: Run) -> None:
    found = ToolResult("add", ok=True, text='3"}]\n')
    failed = ToolResult("add", ok=False, text="", error="no")
    run.remember_results([(ADD, found), (OTHER, failed), (SAME, None)])
    [turn] = run.progress
    told = json.loads(turn["content"].removeprefix("Tool results: "))
    assert turn["role"] == "user"
    assert [(one["tool"], one["ok"], one["result"]) for one in told[:2]] == [
        ("add", True, '3"}]\n'),
        ("add", False, "Error: no"),
    ]
    assert told[2]["ok"] is False
    assert "stopped before" in told[2]["result"]
    assert [one["arguments"] for one in told] == [dict(call.arguments) for call in (ADD, OTHER, SAME)]


def test_after_a_step_without_calls_the_model_has_a_turn_to_answer_to(run: Run) -> None:
    run.remember_no_calls()
    assert run.progress[0]["role"] == "user"


def test_the_conversation_is_the_callers_and_stays_so(run: Run) -> None:
    run.conversation(nested=False).append({"role": "user", "content": "more"})
    assert run.conversation(nested=False) == run.body["messages"]
    assert len(run.conversation(nested=False)) == 2


def test_what_was_thought_and_found_can_be_told_line_by_line(run: Run) -> None:
    run.remember_step("I think.", "{}")
    run.remember_results([(ADD, ToolResult("add", ok=True, text="3" * 5_000)), (SAME, None)])
    thought, found = run.found
    assert thought == "I think."
    assert found.startswith(f"add({json.dumps(dict(ADD.arguments))}): 333")
    assert len(found) < 4_100


def test_what_calls_used_adds_up(run: Run) -> None:
    run.account({"usage": {"total_tokens": 2}}, {"x-litellm-response-cost": "0.1"})
    used = run.account({"usage": {"total_tokens": 3}}, {"x-litellm-response-cost": "0.2"})
    assert (used, run.usage) == ({"total_tokens": 3, "cost": 0.2}, {"total_tokens": 5, "cost": 0.3})
