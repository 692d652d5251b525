"""What a message cannot be asked for with is named, with what the field can hold."""

from typing import Any

import pytest

from api.dialects.anthropic import check_message
from api.errors import InvalidRequest

ASKED: dict[str, Any] = {"max_tokens": 2_000, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, "thinking.budget_tokens"),
    ],
)
def test_what_it_cannot_hold_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        check_message({**ASKED, **fields})
    assert raised.value.param == param


@pytest.mark.parametrize(
    "fields", [{}, {"temperature": 1, "top_k": 40}, {"thinking": {"type": "enabled", "budget_tokens": 1_024}}]
)
def test_what_it_can_hold_is_let_through(fields: dict[str, Any]) -> None:
    check_message({**ASKED, **fields})
