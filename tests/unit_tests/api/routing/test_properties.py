"""Whatever a conversation holds, it can be excerpted, and the excerpt is bounded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routing.conversation import EARLIER_TURNS, INSTRUCTION_CHARACTERS, TURN_CHARACTERS, excerpt, last_turn
from tests.support.growth import assert_linear
from tests.support.properties import FEW, any_json

JSON = any_json(names=st.sampled_from(["type", "text", "image_url"]))
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"]) | st.text(
    min_size=1, max_size=4
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLES}, optional={"content": JSON, "tool_calls": JSON, "name": JSON}),
    min_size=1,
    max_size=8,
)


@FEW
@given(MESSAGES)
def test_any_conversation_can_be_excerpted(messages: list[dict[str, Any]]) -> None:
    assert "The request:" in excerpt(messages)
    assert isinstance(last_turn(messages), str)


@pytest.mark.parametrize("times", [1, 2, 100])
def test_an_excerpt_is_bounded_whatever_the_conversations_length(times: int) -> None:
    messages = [{"role": role, "content": "word " * 1_000} for role in ("system", "user", "assistant")] * times
    assert len(excerpt(messages)) < (EARLIER_TURNS + 2) * (TURN_CHARACTERS + 100) + INSTRUCTION_CHARACTERS + 100


def test_a_conversation_takes_time_in_proportion_to_its_length() -> None:
    assert_linear(excerpt, lambda size: [{"role": "user", "content": [{"type": "text", "text": "word"}]}] * size)
