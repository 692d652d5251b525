"""Where a stream of Anthropic's ends, and how that is told."""

import json

import pytest

from api.dialects.anthropic.streams import ends_with_stop, split_at_error

DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
ERRORS = {
    "Anthropic's": (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        529,
    ),
    "with spaces": (b'event: error\ndata: {"type": "error", "error": {"type": "api_error", "message": "m"}}\n\n', 500),
    "without a name": (b'data: {"type":"error","error":{"type":"rate_limit_error","message":"m"}}\n\n', 429),
    "LiteLLM's": (b'data: {"error": {"message": "m", "type": null, "code": "400"}}\n\n', "400"),
    "of no known type": (b'event: error\ndata: {"type":"error","error":{"message":"m"}}\n\n', 502),
    "a text": (b'event: error\ndata: {"type":"error","error":"m"}\n\n', 502),
}


@pytest.mark.parametrize("events", [STOP, DELTA + STOP, b'data: {"type": "message_stop"}\n\n'])
def test_a_stop_is_the_end(events: bytes) -> None:
    assert ends_with_stop(events)


@pytest.mark.parametrize("text", ['"message_stop"', '{"type":"message_stop"}', "event: message_stop"])
def test_a_text_that_says_so_is_none(text: str) -> None:
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    assert not ends_with_stop(b"event: content_block_delta\ndata: " + json.dumps(said).encode() + b"\n\n")


def test_nothing_is_no_end() -> None:
    assert not ends_with_stop(b"")


@pytest.mark.parametrize("form", ERRORS)
def test_an_error_ends_the_events_before_it(form: str) -> None:
    event, status = ERRORS[form]
    before, error = split_at_error(DELTA + event + DELTA)
    assert before == DELTA
    assert error is not None
    assert json.loads(error)["error"]["code"] == status


def test_what_an_error_says_stays_as_it_is() -> None:
    _, error = split_at_error(ERRORS["Anthropic's"][0])
    assert error is not None
    assert json.loads(error) == {"error": {"code": 529, "type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize(
    "said",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": '{"error": 1}'}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_result", "error": "no"}},
        {"type": "message_start", "message": {"error": None}},
    ],
)
def test_a_word_of_an_error_is_none(said: dict[str, object]) -> None:
    events = b"event: x\ndata: " + json.dumps(said).encode() + b"\n\n"
    assert split_at_error(events) == (events, None)
