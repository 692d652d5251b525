"""What a chat completion used, in Anthropic's words."""

from typing import Any

import pytest

from api.dialects.anthropic import usage_less, usage_of_chat


@pytest.mark.parametrize(
    "cached",
    [
        {"prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 30}},
        {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 30},
        {"cache_read_input_tokens": 60, "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 30}},
    ],
)
def test_what_the_cache_held_is_counted_beside_the_input(cached: dict[str, Any]) -> None:
    used = usage_of_chat({"prompt_tokens": 100, "completion_tokens": 7, **cached})
    assert used == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
    }


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None, "prompt_tokens_details": None}])
def test_what_nobody_counted_is_none(usage: dict[str, Any]) -> None:
    assert set(usage_of_chat(usage).values()) == {0}


def test_the_last_call_used_what_the_others_did_not() -> None:
    one, both = (usage_of_chat({"prompt_tokens": 10 * n, "completion_tokens": n}) for n in (1, 2))
    assert usage_less(both, one) == one
    assert set(usage_less(both, one, one, one).values()) == {0}
