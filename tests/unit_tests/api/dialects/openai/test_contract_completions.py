"""What LiteLLM leaves out of text completions, put back, and what it adds, left out."""

from typing import Any

import pytest

from api.dialects.openai.contract import completion_answer, completion_chunk

NOTHING = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def test_a_choice_without_a_text_has_an_empty_one() -> None:
    answer: dict[str, Any] = {"choices": [{"index": 0, "text": None, "finish_reason": "tool_calls"}]}
    completion_answer(answer)
    assert answer["choices"] == [{"index": 0, "text": "", "finish_reason": "tool_calls", "logprobs": None}]


@pytest.mark.parametrize(("asked", "usage"), [(False, {}), (True, {"usage": None})])
def test_a_usage_of_nothing_is_no_usage(asked: bool, usage: dict[str, Any]) -> None:
    chunk: dict[str, Any] = {"choices": [{"index": 0, "text": ""}], "usage": dict(NOTHING)}
    completion_chunk(chunk, usage_asked=asked)
    assert chunk == {"choices": [{"index": 0, "text": "", "finish_reason": None, "logprobs": None}], **usage}


def test_a_usage_has_a_chunk_of_its_own() -> None:
    chunk: dict[str, Any] = {"choices": [{"index": 0}], "usage": {"total_tokens": 2, "prompt_tokens_details": None}}
    completion_chunk(chunk, usage_asked=True)
    assert chunk == {"choices": [], "usage": {"total_tokens": 2}}
