"""The events of a response as one stream."""

import json
from typing import Any

import pytest

from api.dialects.openai.response_stream import ResponseStream
from api.errors import NothingAnswered, UpstreamStreamBroken

CREATED = {"type": "response.created", "response": {"id": "resp_1", "created_at": 1, "output": []}}
DELTA = {"type": "response.output_text.delta", "delta": "Hi"}
COMPLETED = {
    "type": "response.completed",
    "response": {"id": "resp_2", "created_at": 2, "status": "completed", "output": [{"type": "message"}]},
}


def _through(*happened: dict[str, Any]) -> list[dict[str, Any]]:
    stream = ResponseStream(str.upper)
    events = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in happened)
    return [each for taken in stream.take(events) for each in taken] + stream.end()


def test_every_event_is_numbered_whatever_the_numbers_were() -> None:
    got = _through(CREATED, DELTA | {"sequence_number": 7}, DELTA, COMPLETED)
    assert [each["sequence_number"] for each in got] == [0, 1, 2, 3]


def test_an_event_of_progress_is_numbered_among_the_others() -> None:
    stream = ResponseStream(str.upper)
    assert stream.in_progress() is None
    numbers = []
    for happened in (CREATED, DELTA, COMPLETED):
        [[told]] = stream.take(b"data: " + json.dumps(happened).encode() + b"\n\n")
        kept = stream.in_progress()
        numbers += [each["sequence_number"] for each in (told, kept) if each is not None]
        if kept is not None:
            assert (kept["type"], kept["response"]["id"]) == ("response.in_progress", "resp_1")
    assert numbers == [0, 1, 2, 3, 4]
    assert stream.in_progress() is None


def test_the_response_is_the_same_in_all_of_them() -> None:
    got = _through(CREATED, COMPLETED)
    assert [(each["response"]["id"], each["response"]["created_at"]) for each in got] == [("resp_1", 1)] * 2


@pytest.mark.parametrize("end", ["response.completed", "response.incomplete", "response.failed", "error"])
def test_nothing_comes_after_the_end(end: str) -> None:
    assert [each["type"] for each in _through(CREATED, {"type": end}, DELTA)] == ["response.created", end]


def test_a_response_that_nobody_ended_is_broken() -> None:
    with pytest.raises(UpstreamStreamBroken):
        _through(CREATED, DELTA)


def test_a_response_without_an_item_and_without_a_token_is_none() -> None:
    empty = {"status": "completed", "output": [], "usage": {"output_tokens": 0}}
    with pytest.raises(NothingAnswered):
        _through(CREATED, {"type": "response.completed", "response": empty})


def test_a_response_without_an_item_that_used_tokens_is_one() -> None:
    used = {"status": "completed", "output": [], "usage": {"output_tokens": 2}}
    assert len(_through(CREATED, {"type": "response.completed", "response": used})) == 2


@pytest.mark.parametrize(
    "failed",
    [
        {"type": "response.failed", "response": {"status": "failed", "error": {"code": "c", "message": "why"}}},
        {"type": "error", "code": "c", "message": "why"},
    ],
    ids=lambda failed: failed["type"],
)
def test_a_failure_is_told_in_a_callers_words(failed: dict[str, Any]) -> None:
    assert "WHY" in json.dumps(_through(CREATED, failed))
