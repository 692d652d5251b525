"""Events out of arbitrary reads."""

import contextlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.openai.streams import DONE, ends_with_done, split_at_error
from api.errors import UpstreamStreamBroken
from api.sse import EventFramer, event, payloads
from tests.support.growth import assert_linear
from tests.support.properties import FEW, any_json

STREAM = event({"text": "é\n\n"}) + event({"n": 1}) + b": comment\n\n" + DONE


# Whatever an upstream might send, most of it nearly events.
BYTES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\n\n", b"data:", b"data: {}", b": comment", b"event: x", b"\xe2\x80\xa8"])
    | st.binary(max_size=5),
    max_size=30,
).map(b"".join)


def _blocks(*reads: bytes) -> list[bytes]:
    """The whole events as they were given, as many at a time as came together."""
    framer = EventFramer()
    return [block for read in reads if (block := framer.whole(read))]


@given(cuts=st.lists(st.integers(0, len(STREAM))))
def test_wherever_reads_are_cut_the_events_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reads = [STREAM[start:end] for start, end in pairwise(edges)]
    blocks = _blocks(*reads)
    assert b"".join(blocks) == STREAM
    assert all(block.endswith(b"\n\n") for block in blocks)


@given(data=BYTES, cuts=st.lists(st.integers(0, 100)))
def test_wherever_anything_is_cut_it_reads_the_same(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    blocks = _blocks(*(data[start:end] for start, end in pairwise(edges)))
    whole = _blocks(data)
    assert b"".join(blocks) == b"".join(whole)
    assert all(block.endswith(b"\n\n") for block in blocks)


@pytest.mark.parametrize(
    "reads", [[b"a\n\n\n"], [b"a\n\n", b"\n"], [b"a\n", b"\n\n"], [b"a", b"\n\n\n"], [b"a\n\n\n", b""]]
)
def test_a_blank_line_too_many_waits_for_what_follows_wherever_it_is_cut(reads: list[bytes]) -> None:
    assert b"".join(_blocks(*reads)) == b"a\n\n"


def test_a_long_event_takes_time_in_proportion_to_its_length() -> None:
    def read(parts: int) -> None:
        assert len(_blocks(b"data: ", *[b"x" * 1024] * parts, b"\n\n")) == 1

    assert_linear(read, lambda size: size)


@FEW
@given(
    payload=st.dictionaries(st.text(max_size=4), any_json(), max_size=4),
    name=st.none() | st.sampled_from(["message", "response.created"]),
)
def test_an_event_reads_as_what_was_written(payload: dict[str, Any], name: str | None) -> None:
    written = event(payload, name=name)
    assert list(payloads(written)) == [payload]
    assert len(written.decode().splitlines()) == (2 if name is None else 3)


@given(BYTES)
def test_any_events_carry_objects_or_are_refused(events: bytes) -> None:
    with contextlib.suppress(UpstreamStreamBroken):
        assert all(isinstance(payload, dict) for payload in payloads(events))


def test_an_event_is_handed_on_as_soon_as_it_is_whole() -> None:
    assert _blocks(b"data: 1\n\ndata: 2", b"\n\n") == [b"data: 1\n\n", b"data: 2\n\n"]


def test_windows_line_ends_become_plain_ones_even_across_reads() -> None:
    blocks = _blocks(b"data: 1\r\n\r", b"\ndata: 2\r\n\r\n")
    assert b"".join(blocks) == b"data: 1\n\ndata: 2\n\n"


def test_an_error_event_is_parted_from_what_came_before() -> None:
    before, error = split_at_error(b'data: {"id":"1"}\n\ndata: {"error": {"message": "m"}}\n\ndata: [DONE]\n\n')
    assert before == b'data: {"id":"1"}\n\n'
    assert error == b'{"error": {"message": "m"}}'


def test_model_output_that_looks_like_an_error_is_none() -> None:
    quoted = event({"choices": [{"delta": {"content": '\n\ndata: {"error": {}}'}}]})
    assert split_at_error(quoted) == (quoted, None)


@pytest.mark.parametrize(
    ("events", "done"), [(DONE, True), (b"data: 1\n\n" + DONE, True), (b'data: "[DONE]"\n\n', False)]
)
def test_done_is_recognised(events: bytes, done: bool) -> None:
    assert ends_with_done(events) is done
