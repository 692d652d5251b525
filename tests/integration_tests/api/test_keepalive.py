"""Streams that are silent for long: a comment, a ping or an event of progress every STREAM_KEEPALIVE_SECONDS."""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import finished, said

COMMENT = ": keep-alive"
PING = 'data: {"type": "ping"}'
SILENCE = 0.2
GAP = 1.0


@pytest.fixture(scope="module")
def quick(directory: Path, provider: ScriptedProvider) -> Iterator[RunningAPI]:
    """An API whose streams say something five times in a gap."""
    with running_api(directory, llm_base_url=provider.url, STREAM_KEEPALIVE_SECONDS=str(SILENCE)) as api:
        yield api
        assert "Traceback" not in api.log.read_text()


def _asked(path: str, mark: str) -> dict[str, Any]:
    says: dict[str, Any] = {"messages": [{"role": "user", "content": mark}], "max_tokens": 100}
    if path in ("/responses", "/completions"):
        says = {"input": mark} if path == "/responses" else {"prompt": mark}
    return {"model": "gpt-4o", **says, "stream": True}


def _lines(api: RunningAPI, path: str, mark: str, **headers: str) -> Iterator[tuple[float, str]]:
    """Each line with the time of its arrival."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        request = {"json": _asked(path, mark), "headers": {**api.headers, **headers}}
        with client.stream("POST", f"{api.base_url}{path}", **request) as response:  # type: ignore[arg-type]
            assert response.status_code == 200
            for line in response.iter_lines():
                yield time.monotonic(), line


def _silences(lines: list[tuple[float, str]]) -> list[float]:
    times = [at for at, line in lines if line]
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_a_silent_stream_is_kept_alive_by_comments_between_its_events(
    quick: RunningAPI, provider: ScriptedProvider, mark: str, path: str
) -> None:
    provider.script({"chunks": ["one", "two", "three"], "chunk_delay": GAP}, contains=mark)
    lines = list(_lines(quick, path, mark))
    text = [line for _, line in lines]
    comments = [place for place, line in enumerate(text) if line == COMMENT]
    assert len(comments) >= 2
    # Never within an event: before a comment stands the blank line that ends one, after it another.
    assert all((text[place - 1], text[place + 1]) == ("", "") for place in comments)
    assert max(_silences(lines)) < GAP
    assert not text[-1].startswith(":")
    assert all(json.loads(line[6:]) for line in text if line.startswith("data: {"))


def test_a_silent_message_is_kept_alive_by_pings_between_its_events(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    """As Anthropic itself does it: its clients take a stream without an event for one that is dead."""
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one"}}
    events = [{"type": "message_start", "message": {"usage": {"input_tokens": 1}}}, delta, {"type": "message_stop"}]
    provider.script({"raw_chunks": events, "chunk_delay": GAP, "ping_interval": 0}, contains=mark)
    lines = list(_lines(quick, "/messages", mark))
    text = [line for _, line in lines]
    pings = [place for place, line in enumerate(text) if line == PING]
    assert len(pings) >= 3
    assert all(text[place - 2 : place] == ["", "event: ping"] and not text[place + 1] for place in pings)
    assert max(_silences(lines)) < GAP
    assert COMMENT not in text
    assert [line for line in text if line][-2] == "event: message_stop"


def test_a_silent_response_is_kept_alive_by_events_of_its_own(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["one", "two", "three"], "chunk_delay": GAP}, contains=mark)
    lines = list(_lines(quick, "/responses", mark))
    text = [line for _, line in lines]
    events = [json.loads(line[6:]) for line in text if line.startswith("data: {")]
    assert [told["sequence_number"] for told in events] == list(range(len(events)))
    kept = [told["response"] for told in events if told["type"] == "response.in_progress"]
    assert len(kept) >= 3
    assert {told["id"] for told in kept} == {events[0]["response"]["id"]}
    assert max(_silences(lines)) < GAP
    assert COMMENT not in text


def test_reasoning_about_a_response_is_kept_alive_by_events_with_their_numbers(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(delay=3.0), said(), contains=mark)
    lines = list(_lines(quick, "/responses", mark, **{"x-routing-mode": "reasoning"}))
    events = [json.loads(line[6:]) for _, line in lines if line.startswith("data: {")]
    assert [told["sequence_number"] for told in events] == list(range(len(events)))
    kinds = [told["type"] for told in events]
    assert (kinds.count("response.in_progress") >= 4, kinds[-1]) == (True, "response.completed")
    assert COMMENT not in [line for _, line in lines]


def test_reasoning_is_kept_alive_from_its_first_step_on(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    """Its headers are sent after a second at most, so that a first step may take its time."""
    provider.script(finished(delay=3.0), said(), contains=mark)
    lines = list(_lines(quick, "/chat/completions", mark, **{"x-routing-mode": "reasoning"}))
    text = [line for _, line in lines]
    assert text.count(COMMENT) >= 3
    assert text.index(COMMENT) < text.index("data: [DONE]")


def test_reasoning_about_a_message_is_kept_alive_by_pings(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(delay=3.0), said(delay=2.0), contains=mark)
    text = [line for _, line in _lines(quick, "/messages", mark, **{"x-routing-mode": "reasoning"})]
    start = next(place for place, line in enumerate(text) if line == "event: message_start")
    assert text[:start].count(PING) >= 2
    assert text[start:].count(PING) >= 2
    assert COMMENT not in text
    assert [line for line in text if line][-2] == "event: message_stop"


def test_a_stream_that_speaks_often_enough_has_no_comment(
    api: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["one", "two", "three"], "chunk_delay": 0.3}, contains=mark)
    assert COMMENT not in [line for _, line in _lines(api, "/chat/completions", mark)]


def test_the_openai_sdk_sees_the_events_alone(quick: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"chunks": ["one", "two"], "chunk_delay": GAP}, contains=mark)
    with OpenAI(base_url=quick.base_url, api_key=TOKEN, max_retries=0) as client:
        chunks = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": mark}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "onetwo"


def test_a_failure_after_a_silence_is_still_an_event_of_its_own(
    quick: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["one", "two", "three"], "chunk_delay": GAP, "fail_after_chunks": 2}, contains=mark)
    text = [line for _, line in _lines(quick, "/chat/completions", mark)]
    assert COMMENT in text
    last = [line for line in text if line][-1]
    assert json.loads(last.removeprefix("data: "))["error"]
