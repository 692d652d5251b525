"""Chunks as one stream: its head, its ends, and whether anything was answered."""

import json
from typing import Any

import pytest

from api.dialects.openai.chunk_stream import ChunkStream
from api.dialects.openai.contract import chat_chunk, completion_chunk
from api.errors import APIError, NothingAnswered, UpstreamStreamBroken

TOLD = {"completion_tokens": 0, "prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}
COUNTED = {"completion_tokens": 0, "prompt_tokens": 9}


def _chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **head: Any
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta or {}} | ({"finish_reason": finish} if finish else {})
    return {"id": "c", "created": 1, "model": "m", **head, "choices": [choice]}


def _usage(**usage: Any) -> dict[str, Any]:
    return _chunk() | {"usage": usage}


def _through(*chunks: dict[str, Any], stream: ChunkStream | None = None) -> list[dict[str, Any]]:
    stream = stream or ChunkStream(chat_chunk, usage_asked=True)
    events = (b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return [chunk for event in events for taken in stream.take(event) for chunk in taken] + stream.end()


def _said(chunks: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any], str | None]]:
    return [(c["index"], c["delta"], c["finish_reason"]) for chunk in chunks for c in chunk["choices"]]


OPENING, HI, STOP = _chunk({"role": "assistant", "content": ""}), _chunk({"content": "Hi"}), _chunk(finish="stop")


def test_a_stream_has_one_id_one_time_and_one_model_its_usage_included() -> None:
    heads = [{"id": f"c{place}", "created": place, "model": f"m{place}"} for place in range(3)]
    got = _through(*(chunk | head for chunk, head in zip((HI, STOP, _usage(**TOLD)), heads, strict=True)))
    assert [(chunk["id"], chunk["created"], chunk["model"]) for chunk in got] == [("c0", 0, "m0")] * 3


def test_nothing_comes_after_an_end_but_the_usage() -> None:
    late = [_chunk({"content": "late"}), _chunk(finish="length"), _chunk()]
    got = _through(OPENING, HI, STOP, *late, _usage(**TOLD))
    assert _said(got)[1:] == [(0, {"content": "Hi"}, None), (0, {}, "stop")]
    assert (got[-1]["choices"], got[-1]["usage"]["prompt_tokens"]) == ([], 9)


def test_a_text_beside_an_end_is_kept() -> None:
    assert _said(_through(_chunk({"content": "Hi"}, finish="stop"))) == [(0, {"content": "Hi"}, "stop")]


def test_of_several_choices_the_one_end_that_litellm_tells_comes_last() -> None:
    other = _chunk({"content": "b"}, index=1)
    got = _through(HI, other, STOP, _chunk({"content": " there"}), _usage(**TOLD))
    assert _said(got) == [
        (0, {"content": "Hi"}, None),
        (1, {"content": "b"}, None),
        (0, {"content": " there"}, None),
        (0, {}, "stop"),
    ]


NOTHING: dict[str, list[dict[str, Any]]] = {
    "a made-up end": [STOP, _chunk()],
    "a role": [OPENING, STOP, _usage(**COUNTED)],
    "the usage": [STOP, _usage(completion_tokens=2, prompt_tokens=9)],
    "what Anthropic begins with": [STOP, _usage(**TOLD, cache_creation_input_tokens=0)],
}


@pytest.mark.parametrize("what", NOTHING)
def test_a_stream_that_holds_nothing_but_this_is_an_error(what: str) -> None:
    with pytest.raises(NothingAnswered):
        _through(*NOTHING[what])


@pytest.mark.parametrize("finish", [None, "stop"])
def test_a_text_completion_that_holds_nothing_is_an_error_too(finish: str | None) -> None:
    opening = {"id": "c", "choices": [{"index": 0, "text": ""}]}
    ended = {"id": "c", "choices": [{"index": 0, "finish_reason": "stop"}]}
    with pytest.raises(NothingAnswered):
        _through(*([opening] if finish else []), ended, stream=ChunkStream(completion_chunk))


EMPTY: dict[str, list[dict[str, Any]]] = {
    "of which the provider counted the tokens": [OPENING, STOP, _usage(completion_tokens=1, prompt_tokens=9)],
    "of which the provider told details": [OPENING, STOP, _usage(**TOLD)],
    "of Anthropic's": [STOP, _usage(**TOLD | {"completion_tokens": 2}, cache_creation_input_tokens=0)],
    "that was cut at its length": [OPENING, _chunk(finish="length")],
    "that was filtered": [OPENING, _chunk(finish="content_filter")],
    "of a tool call": [OPENING, _chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), STOP],
    "of a refusal": [OPENING, _chunk({"refusal": "No."}), STOP],
    "of thoughts": [OPENING, _chunk({"reasoning_content": "hm"}), STOP],
}


@pytest.mark.parametrize("what", EMPTY)
def test_an_answer_without_a_text_is_an_answer(what: str) -> None:
    assert _said(_through(*EMPTY[what]))[-1][2] in {"stop", "length", "content_filter"}


def _call(arguments: str) -> dict[str, Any]:
    return _chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})


def test_an_end_inside_of_a_tool_call_is_none() -> None:
    with pytest.raises(UpstreamStreamBroken):
        _through(_call('{"city": "Ber'), STOP)


@pytest.mark.parametrize("finish", ["tool_calls", "length"])
def test_arguments_that_the_provider_ended_so_are_its_own_affair(finish: str) -> None:
    assert _said(_through(_call('{"city": "Ber'), _chunk(finish=finish)))[-1][2] == finish


def test_an_end_without_the_service_tier_of_all_others_and_without_a_usage_is_made_up() -> None:
    with pytest.raises(UpstreamStreamBroken):
        _through(HI | {"service_tier": "default"}, STOP, _usage(**COUNTED))


@pytest.mark.parametrize("ending", [(STOP | {"service_tier": "default"},), (STOP, _usage(**TOLD))])
def test_an_end_with_either_of_them_is_the_providers(ending: tuple[dict[str, Any], ...]) -> None:
    assert _said(_through(HI | {"service_tier": "default"}, *ending))[-1][2] == "stop"


FAILED: dict[str, dict[str, Any]] = {
    "beside the choices": _chunk() | {"error": {"code": 502, "message": "gone"}},
    "in place of choices": {"id": "c", "choices": [], "error": {"code": "502", "message": "gone"}},
    "in a choice": {"choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "gone"}}]},
    "as text": {"choices": [], "error": "gone"},
}


@pytest.mark.parametrize("where", FAILED)
def test_an_error_in_a_chunk_comes_after_what_was_said_before_it(where: str) -> None:
    stream = ChunkStream(chat_chunk)
    events = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in (HI, FAILED[where]))
    taken = stream.take(events)
    assert _said(next(taken)) == [(0, {"content": "Hi"}, None)]
    with pytest.raises(APIError) as failed:
        next(taken)
    assert (failed.value.status_code, failed.value.message) == (502, "gone")
