"""A message that this server writes itself."""

from typing import Any

import pytest

from api.dialects.anthropic import WrittenMessage, whole_message
from api.dialects.anthropic.message import UNUSED


def _written() -> list[dict[str, Any]]:
    message = WrittenMessage("m", lambda: "raa1.x")
    return [
        message.start({"input_tokens": 3, "output_tokens": 0}),
        *message.thinks("Hm, "),
        *message.thinks("yes."),
        *message.says("It "),
        *message.says("is."),
        *message.calls("toolu_1", "read", '{"path": "a"}'),
        *message.calls("toolu_2", "list", "{}"),
        *message.end("tool_use", {"input_tokens": 3, "output_tokens": 5}),
    ]


def test_each_block_ends_before_the_next_begins() -> None:
    said = [(event["type"].removeprefix("content_block_"), event.get("index")) for event in _written()]
    assert said == [
        ("message_start", None),
        *[("start", 0), ("delta", 0), ("delta", 0), ("delta", 0), ("stop", 0)],
        *[("start", 1), ("delta", 1), ("delta", 1), ("stop", 1)],
        *[("start", 2), ("delta", 2), ("stop", 2), ("start", 3), ("delta", 3), ("stop", 3)],
        ("message_delta", None),
        ("message_stop", None),
    ]


def test_thoughts_are_signed_at_their_end() -> None:
    deltas = [event["delta"]["type"] for event in _written() if event.get("index") == 0 and "delta" in event]
    assert deltas == ["thinking_delta", "thinking_delta", "signature_delta"]


def test_the_whole_message_is_what_its_events_say() -> None:
    message = whole_message(_written())
    assert message.pop("id").startswith("msg_")
    assert message == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm, yes.", "signature": "raa1.x"},
            {"type": "text", "text": "It is.", "citations": None},
            {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "toolu_2", "name": "list", "input": {}, "caller": {"type": "direct"}},
        ],
        "container": None,
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**UNUSED, "input_tokens": 3, "output_tokens": 5},
    }


@pytest.mark.parametrize("arguments", ["{", "[1]", "null", ""])
def test_arguments_that_are_no_object_are_none(arguments: str) -> None:
    message = WrittenMessage("m", str)
    events = [message.start({}), *message.calls("toolu_1", "f", arguments), *message.end("tool_use", {})]
    assert whole_message(events)["content"][0]["input"] == {}
