"""The two forms of an event in a delta."""

import json
from typing import Any

import pytest

from api.reasoning.events import EventType, ReasoningEvent, tool_call_text, tool_result
from api.tools.tool import ToolResult


def test_the_typed_form_has_type_step_and_details_side_by_side() -> None:
    event = ReasoningEvent(EventType.ITERATION_COMPLETE, 3, {"duration": 0.5})
    assert event.delta() == {"reasoning_event": {"type": "iteration_complete", "step": 3, "duration": 0.5}}


def test_the_readable_form_is_there_where_there_is_something_to_read() -> None:
    assert ReasoningEvent(EventType.PLANNING, 1, {}, "Hm.\n").delta()["reasoning_content"] == "Hm.\n"


def test_a_result_says_which_tool_how_it_went_and_how_long_it_took() -> None:
    typed = tool_result(2, 0, ToolResult("add", ok=True, text="3", duration=0.12345), "demo").delta()["reasoning_event"]
    assert typed == {
        "type": "tool_result",
        "step": 2,
        "index": 0,
        "tool": "add",
        "server": "demo",
        "ok": True,
        "content": "3",
        "left_out_characters": 0,
        "duration": 0.1235,
    }


def test_a_failure_says_why() -> None:
    delta = tool_result(1, 0, ToolResult("add", ok=False, text="", error="no"), "demo").delta()
    assert (delta["reasoning_event"]["ok"], delta["reasoning_event"]["content"]) == (False, "no")
    assert delta["reasoning_content"] == "← add: Error: no\n"


def test_a_person_reads_the_beginning_and_the_typed_form_has_it_all() -> None:
    delta = tool_result(1, 0, ToolResult("big", ok=True, text="x" * 2000, left_out=5), "demo").delta()
    assert len(delta["reasoning_content"]) < 600
    assert len(delta["reasoning_event"]["content"]) == 2000
    assert delta["reasoning_event"]["left_out_characters"] == 5


@pytest.mark.parametrize("arguments", [{}, {"a": "é"}, {"a": {"b": [None]}}])
def test_a_call_reads_like_a_call(arguments: dict[str, Any]) -> None:
    assert tool_call_text("f", arguments) == f"→ f({json.dumps(arguments, ensure_ascii=False)})\n"
