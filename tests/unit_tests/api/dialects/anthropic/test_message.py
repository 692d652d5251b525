"""Messages as Anthropic sends them, and what is one in disguise."""

from typing import Any

import pytest

from api.dialects.anthropic.message import count, message, raise_failure
from api.dialects.anthropic.side_calls import is_title
from api.errors import UpstreamError

TITLE = {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}}


def test_a_message_of_anthropics_stays_as_it_is() -> None:
    answer = {
        "id": "msg_1",
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "content": [{"type": "thinking", "signature": "s"}],
    }
    before = dict(answer)
    message(answer)
    assert answer == before


def test_a_translated_message_has_an_id_of_a_message() -> None:
    answer, again = {"id": "resp_blob"}, {"id": "resp_blob"}
    message(answer)
    message(again)
    assert answer == again
    assert answer["id"].startswith("msg_")
    assert len(answer["id"]) == len("msg_") + 24


def test_a_translated_message_says_what_anthropics_always_say() -> None:
    call, text = {"type": "tool_use", "id": "c", "name": "f", "input": {}}, {"type": "text", "text": "t"}
    answer: dict[str, Any] = {"id": "resp_blob", "usage": {"service_tier": "x"}, "content": [text, call]}
    message(answer)
    assert (answer["container"], answer["stop_details"]) == (None, None)
    assert answer["usage"]["service_tier"] == "x"
    assert {"cache_creation", "cache_creation_input_tokens", "cache_read_input_tokens"} <= set(answer["usage"])
    assert [answer["content"][0]["citations"], answer["content"][1]["caller"]] == [None, {"type": "direct"}]


def test_what_litellm_adds_is_taken_off() -> None:
    answer, counted = (
        {"id": "msg_1", "usage": {"total_tokens": 3}},
        {"input_tokens": 1, "litellm_count_source": "provider"},
    )
    message(answer)
    count(counted)
    assert (answer["usage"], counted) == ({}, {"input_tokens": 1})


@pytest.mark.parametrize("answer", [None, [], "text", {"usage": None}, {"id": 5}])
def test_what_is_no_message_is_left_alone(answer: Any) -> None:
    message(answer)
    count(answer)
    raise_failure(answer)


def test_an_error_in_place_of_a_message_is_one() -> None:
    with pytest.raises(UpstreamError) as raised:
        raise_failure({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert (raised.value.status_code, raised.value.message) == (529, "Overloaded")


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        ({"output_config": {"format": TITLE}}, True),
        ({"output_format": TITLE}, True),
        ({"output_config": {"format": TITLE}, "tools": []}, True),
        ({"output_config": {"format": TITLE}, "tools": [{"name": "a"}]}, False),
        ({"output_config": {"effort": "low"}}, False),
        ({"output_config": {"format": {"schema": {"properties": {"title": {}, "text": {}}}}}}, False),
        ({"output_config": {"format": {"schema": {"properties": ["title"]}}}}, False),
        ({"output_config": None, "output_format": "x"}, False),
        ({}, False),
    ],
)
def test_a_call_for_a_title_is_told_apart(body: dict[str, Any], *, is_one: bool) -> None:
    assert is_title(body) is is_one
