"""The events of a message as one stream."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.anthropic.message_stream import MessageStream
from api.errors import UpstreamError, UpstreamStreamBroken


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _start(**usage: int) -> bytes:
    return _event("message_start", message={"id": "msg_1", "usage": usage})


NOTHING = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0}
DELTA = _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"})
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP = _event("message_stop")


def _usage(events: bytes) -> dict[str, int]:
    return dict(json.loads(events.split(b"data: ")[1].split(b"\n\n")[0])["message"]["usage"])


def _through(*reads: bytes, input_tokens: int = 0) -> bytes:
    stream = MessageStream(input_tokens=input_tokens)
    return b"".join(taken for read in reads for taken in stream.take(read)) + stream.end()


@given(
    st.lists(
        st.sampled_from([DELTA, PING, _event("content_block_stop", index=0), _event("new", x=["é", None])]), max_size=6
    )
)
def test_what_came_goes_on_byte_for_byte(events: list[bytes]) -> None:
    came = [_start(input_tokens=3), *events, STOP]
    assert _through(*came) == _through(b"".join(came)) == b"".join(came)


def test_a_translated_stream_begins_with_the_count_that_was_asked_for() -> None:
    assert _usage(_through(_start(**NOTHING), STOP, input_tokens=7)) == {**NOTHING, "input_tokens": 7}


@pytest.mark.parametrize("usage", [{"input_tokens": 3}, {"input_tokens": 0, "cache_read_input_tokens": 9}])
def test_a_count_that_is_there_stays(usage: dict[str, int]) -> None:
    assert _usage(_through(_start(**usage), STOP, input_tokens=7)) == usage


@pytest.mark.parametrize(
    ("events", "needs"),
    [
        (_start(**NOTHING), True),
        (_start(input_tokens=1), False),
        (_start(input_tokens=0, cache_creation_input_tokens=1), False),
        (_event("message_start", message={}), False),
        (DELTA, False),
    ],
)
def test_a_count_is_asked_for_where_there_is_none(events: bytes, *, needs: bool) -> None:
    assert MessageStream.needs_a_count(events) is needs


def test_a_message_begins_once() -> None:
    assert (
        _through(_start(input_tokens=1), _start(input_tokens=2), DELTA, STOP) == _start(input_tokens=1) + DELTA + STOP
    )


def test_nothing_comes_after_the_end() -> None:
    assert _through(_start(input_tokens=1) + STOP + DELTA, DELTA) == _start(input_tokens=1) + STOP


def test_a_message_that_nobody_ended_is_broken() -> None:
    with pytest.raises(UpstreamStreamBroken):
        _through(_start(input_tokens=1), DELTA)


def test_every_event_is_told_to_whoever_records_them() -> None:
    told: list[Any] = []
    stream = MessageStream(told.append)
    list(stream.take(_start(input_tokens=1) + DELTA + STOP))
    assert [event["type"] for event in told] == ["message_start", "content_block_delta", "message_stop"]


def test_what_is_no_object_is_broken() -> None:
    with pytest.raises(UpstreamStreamBroken):
        list(MessageStream(lambda _: None).take(b"data: 5\n\n"))


def test_it_fails_in_anthropics_form() -> None:
    told = MessageStream().error_event(UpstreamError(500, {"message": "Boom"}))
    assert told.startswith(b"event: error\ndata: ")
