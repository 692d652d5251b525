"""Thoughts in a chat completion: by which names, and how they are known when they come back."""

from typing import Any

import pytest

from api.context import Caller, RequestContext
from api.dialects.openai import unmarked, without_ours
from api.reasoning.events import EventType, ReasoningEvent
from api.reasoning.run import Run
from api.reasoning.writers.chat import ChatWriter
from api.sse import payloads

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": True}
EVENTS = [
    ReasoningEvent(EventType.ITERATION_START, 1),
    ReasoningEvent(EventType.PLANNING, 1, {}, "I look.\n"),
    ReasoningEvent(EventType.TOOL_RESULT, 1, {}, "← add: 2\n"),
]
OWN = {"choices": [{"index": 0, "delta": {"reasoning_content": "Well."}, "finish_reason": None}]}
ONE, BOTH = {"reasoning_content"}, {"reasoning_content", "reasoning"}
OTHERWISE: list[dict[str, Any]] = [{"include_reasoning": True}, {"reasoning": {"effort": "low"}}]


def _deltas(**fields: Any) -> list[dict[str, Any]]:
    writer = ChatWriter(BODY | fields)
    events = [*map(writer.of_event, EVENTS), writer.of_answer(OWN)]
    return [chunk["choices"][0]["delta"] for told in events for chunk in payloads(told)]


def _streamed(**fields: Any) -> dict[str, str]:
    """As a client adds them up."""
    said = {name: "".join(delta.get(name, "") for delta in _deltas(**fields)) for name in BOTH}
    return {name: text for name, text in said.items() if text}


def _message(**fields: Any) -> dict[str, Any]:
    completion = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "2", "reasoning_content": "Well."}}]
    }
    run = Run(BODY | fields, RequestContext(Caller("c")), [], None)
    message: dict[str, Any] = ChatWriter(BODY | fields).whole(completion, EVENTS, run)["choices"][0]["message"]
    return message


@pytest.mark.parametrize(("fields", "names"), [({}, ONE), *((fields, BOTH) for fields in OTHERWISE)])
def test_thoughts_have_a_second_name_for_who_asks_in_its_words(fields: dict[str, Any], names: set[str]) -> None:
    streamed = _streamed(**fields)
    for told in (streamed, _message(**fields)):
        assert {name for name in BOTH if told.get(name)} == names
        assert {unmarked(told[name]) for name in names} == {"I look.\n← add: 2\nWell."}


def _unsaid(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value is None}


@pytest.mark.parametrize("fields", [{}, *OTHERWISE])
def test_what_a_client_sends_back_goes_to_no_model(fields: dict[str, Any]) -> None:
    streamed = _streamed(**fields)
    for message in (_message(**fields), {"role": "assistant", "content": "2", **streamed}):
        sent_on = without_ours({"messages": [message, BODY["messages"][0]]})["messages"]
        assert sent_on == [{"role": "assistant", "content": "2"} | _unsaid(message), BODY["messages"][0]]


def test_only_the_first_words_have_a_mark() -> None:
    first, second = (delta["reasoning_content"] for delta in _deltas()[1:3])
    assert (unmarked(first) != first, second) == (True, "← add: 2\n")
