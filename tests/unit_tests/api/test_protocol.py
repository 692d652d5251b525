"""Requests that are plain enough to be let through without a model of pydantic's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.protocol import ChatCompletionRequest, is_plain_chat
from tests.support.properties import FEW, any_json

PLAIN: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "temperature": 1}
FIELDS = st.sampled_from(sorted(ChatCompletionRequest.model_fields))
MESSAGES = st.lists(
    st.dictionaries(st.sampled_from(["role", "content", "name", "tool_calls"]), any_json() | st.text(), max_size=3),
    max_size=3,
)


@pytest.mark.parametrize("more", [{}, {"stream": None}, {"stream": True}, {"temperature": 0}, {"provider_own": [1]}])
def test_what_most_requests_are_is_plain(more: dict[str, Any]) -> None:
    assert is_plain_chat(PLAIN | more)


@pytest.mark.parametrize(
    "more",
    [
        {"stream": 1},
        {"stream": "true"},
        {"model": ""},
        {"model": None},
        {"messages": []},
        {"messages": {"role": "user"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]},
        {"messages": [{"role": "user", "content": "hello", "name": 1}]},
        {"messages": [{"role": "", "content": "hello"}]},
        {"messages": [{"role": "user"}]},
        *({name: None} for name in sorted(set(ChatCompletionRequest.model_fields) - {"model", "messages", "stream"})),
    ],
    ids=str,
)
def test_all_else_is_for_the_model_to_decide(more: dict[str, Any]) -> None:
    assert not is_plain_chat(PLAIN | more)


@given(changed=st.dictionaries(FIELDS, any_json(), max_size=3), messages=st.none() | MESSAGES, model=st.text())
@FEW
def test_what_is_plain_is_what_the_model_takes(changed: dict[str, Any], messages: list[Any] | None, model: str) -> None:
    body = PLAIN | {"model": model} | changed | ({} if messages is None else {"messages": messages})
    if is_plain_chat(body):
        ChatCompletionRequest.model_validate(body)
