"""What was asked and answered, as a trace's reader sees it."""

from typing import Any

import pytest

from api.telemetry.plain_text import answered, asked


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "é"}]}, "é"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "é"}]}]},
            '[{"type": "text", "text": "é"}]',
        ),
        ({"messages": [{"role": "assistant"}]}, "null"),
        ({"prompt": "p"}, "p"),
        ({"input": ["a", "b"]}, '["a", "b"]'),
        ({}, "null"),
    ],
)
def test_the_last_turn_prompt_or_input_is_what_was_asked(body: dict[str, Any], text: str) -> None:
    assert asked(body) == text


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"choices": [{"index": 1, "message": {"content": "no"}}, {"index": 0, "message": {"content": "yes"}}]}, "yes"),
        ({"choices": [{"index": 0, "delta": {"content": "piece"}}]}, "piece"),
        ({"choices": [{"index": 0, "delta": {"content": None}}]}, ""),
        ({"choices": [{"index": 0, "text": "t"}]}, "t"),
        ({"choices": []}, ""),
        ({"type": "response.output_text.delta", "delta": "d"}, "d"),
        ({"type": "response.created", "response": {}}, ""),
        ({"type": "message", "content": [{"type": "thinking"}, {"type": "text", "text": "m"}]}, "m"),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "b"}}, "b"),
        ({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}}, ""),
        ({"type": "message_start", "message": {"content": []}}, ""),
        ({"output": [{"type": "reasoning"}, {"content": [{"type": "output_text", "text": "o"}]}]}, "o"),
    ],
)
def test_the_first_choices_text_is_what_was_answered(answer: dict[str, Any], text: str) -> None:
    assert answered(answer) == text
