"""Events out of arbitrary reads."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.openai.streams import DONE, ends_with_done, split_at_error
from api.sse import complete_events, event

STREAM = event({"text": "é\n\n"}) + event({"n": 1}) + b": comment\n\n" + DONE


async def _reads(*reads: bytes) -> AsyncIterator[bytes]:
    for read in reads:
        yield read


@given(cuts=st.lists(st.integers(0, len(STREAM))))
async def test_wherever_reads_are_cut_the_events_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reads = [STREAM[start:end] for start, end in pairwise(edges)]
    blocks = [block async for block in complete_events(_reads(*reads))]
    assert b"".join(blocks) == STREAM
    assert all(block.endswith(b"\n\n") for block in blocks)


async def test_an_event_is_handed_on_as_soon_as_it_is_whole() -> None:
    blocks = complete_events(_reads(b"data: 1\n\ndata: 2", b"\n\n"))
    assert await anext(blocks) == b"data: 1\n\n"


async def test_windows_line_ends_become_plain_ones_even_across_reads() -> None:
    blocks = [block async for block in complete_events(_reads(b"data: 1\r\n\r", b"\ndata: 2\r\n\r\n"))]
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
