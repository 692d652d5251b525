"""Chunks as bytes say what the same chunks say when each is parsed and written."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.openai import ChunkStream, WrittenChunks, contract
from api.errors import UpstreamStreamBroken
from api.sse import event, payloads

TEXT = st.text(max_size=6) | st.sampled_from(
    ["", '"', "\\", "\n\n", '"content"', '\\"content\\":\\"', "é", "\u2028", "🙂", "data: x", "\x1f", "</", "usage"]
)
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta} | ({"finish_reason": finish} if finish else {})], **more}


def _piece(text: str) -> dict[str, Any]:
    return _chunk({"content": text})


PIECES = st.builds(_piece, TEXT)
OTHERS = st.builds(
    lambda text, usage: _chunk({"content": text}, usage=usage), TEXT, st.sampled_from([None, {"total_tokens": 1}])
) | st.sampled_from(
    [
        _chunk({"role": "assistant", "content": "a"}),
        _chunk(
            {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
        ),
        _chunk({"content": "b"}, system_fingerprint="fp"),
        _chunk({"content": "c"}, "length"),
        _chunk({}, "stop"),
        {**HEAD, "choices": [{"index": 1, "delta": {"content": "of another choice"}}]},
        {**HEAD, "id": "another", "choices": [{"index": 0, "delta": {"content": "d"}}]},
    ]
)
STREAMS = st.lists(st.lists(PIECES, min_size=1, max_size=3) | st.lists(OTHERS, min_size=1, max_size=2), max_size=12)


def _stream(*, usage_asked: bool = False) -> ChunkStream:
    return ChunkStream(contract.chat_chunk, usage_asked=usage_asked)


def _read(reader: Any, blocks: list[bytes]) -> tuple[list[Any], str | None]:
    made: list[Any] = []
    try:
        for block in blocks:
            made.extend(reader.take(block))
        made.append(reader.end())
    except Exception as error:  # noqa: BLE001 - that both fail alike is what is looked at
        return made, repr(error)
    return made, None


@given(stream=STREAMS, ascii_only=st.booleans(), usage_asked=st.booleans())
def test_they_are_the_same_chunks(stream: list[list[dict[str, Any]]], *, ascii_only: bool, usage_asked: bool) -> None:
    write = partial(json.dumps, ensure_ascii=ascii_only, separators=(",", ":"))
    blocks = [b"".join(f"data: {write(chunk)}\n\n".encode() for chunk in block) for block in stream]
    written, failed = _read(WrittenChunks(_stream(usage_asked=usage_asked), lambda _chunk: None, None), blocks)
    made, failed_too = _read(_stream(usage_asked=usage_asked), blocks)
    expected = [chunk for chunks in made for chunk in chunks]
    assert (list(payloads(b"".join(written))), failed) == (expected, failed_too)
    assert len(b"".join(written).decode().splitlines()) == 2 * len(expected)


def test_what_is_only_text_is_not_parsed_again() -> None:
    parsed: list[Any] = []
    reader = WrittenChunks(_stream(), parsed.append, None)
    texts = ("one", "two", 'th"ree', "four\\", "five")
    written = [b"".join(reader.take(event(_piece(text)))) for text in texts]
    assert [next(payloads(each))["choices"][0]["delta"]["content"] for each in written] == list(texts)
    assert len(parsed) == 1


def test_whoever_records_is_shown_every_text() -> None:
    shown: list[str] = []
    reader = WrittenChunks(_stream(), lambda chunk: shown.append(chunk["choices"][0]["delta"]["content"]), shown.append)
    for text in ("one", "two\n", "drei\u2028", "vier"):
        list(reader.take(event(_piece(text))))
    assert shown == ["one", "two\n", "drei\u2028", "vier"]


@pytest.mark.parametrize("text", [b"\xff", b"\xed\xa0\x80", b"a\x00", b"\\ud800"])
def test_text_that_is_no_json_breaks_the_stream(text: bytes) -> None:
    reader = WrittenChunks(_stream(), lambda _chunk: None, None)
    list(reader.take(event(_piece("one"))))
    with pytest.raises(UpstreamStreamBroken):
        list(reader.take(event(_piece("X")).replace(b"X", text)))


def test_several_events_that_came_together_are_all_filled_in() -> None:
    reader = WrittenChunks(_stream(), lambda _chunk: None, None)
    list(reader.take(event(_piece("one"))))
    [written] = reader.take(event(_piece("two")) + event(_piece("three")))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in payloads(written)] == ["two", "three"]


def test_text_completions_are_filled_in_too() -> None:
    parsed: list[Any] = []
    reader = WrittenChunks(ChunkStream(contract.completion_chunk), parsed.append, None)
    for text in ("one", "two", "three"):
        [written] = reader.take(
            event({"id": "1", "object": "text_completion", "choices": [{"index": 0, "text": text}]})
        )
        assert next(payloads(written))["choices"][0]["text"] == text
    assert len(parsed) == 1
