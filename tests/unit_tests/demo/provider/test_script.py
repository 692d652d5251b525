"""The control API: which request gets which scripted reply, and what is read back."""

import asyncio
import hashlib
import io
import time
from typing import Any

import httpx
import pytest

from tests.unit_tests.demo.provider.wire import QUESTION, ask, ask_ok, data_of, requests, script


async def content(http: httpx.AsyncClient, **changes: Any) -> str:
    body = await ask_ok(http, **changes)
    return str(body["choices"][0]["message"]["content"])


async def receive_into(received: io.StringIO, http: httpx.AsyncClient) -> None:
    async with http.stream("POST", "/v1/chat/completions", json={**QUESTION, "stream": True}) as answer:
        async for text in answer.aiter_text():
            received.write(text)


async def test_the_first_rule_with_a_reply_left_answers_and_then_the_next_one(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "one"}, {"content": "two"})
    await script(http, {"content": "three"})
    assert [await content(http) for _ in range(3)] == ["one", "two", "three"]


async def test_without_a_reply_left_the_ordinary_answer_comes(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "one"})
    assert await content(http) == "one"
    assert "demo provider answering as gpt-4o-mini" in await content(http)


async def test_repeat_last_repeats_the_last_reply(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "one"}, {"content": "two"}, repeat_last=True)
    assert [await content(http) for _ in range(4)] == ["one", "two", "two", "two"]


@pytest.mark.parametrize(
    "match",
    [{"path": "/v1/chat/completions"}, {"path": "/chat/completions"}, {"model": "gpt-4o-mini"}, {"contains": "a demo"}],
)
async def test_a_rule_answers_what_it_matches(http: httpx.AsyncClient, match: dict[str, str]) -> None:
    await script(http, {"content": "scripted"}, match=match)
    assert await content(http) == "scripted"


@pytest.mark.parametrize("match", [{"path": "/v1/responses"}, {"model": "o1"}, {"contains": "no such words"}])
async def test_a_rule_leaves_alone_what_it_does_not_match(http: httpx.AsyncClient, match: dict[str, str]) -> None:
    await script(http, {"content": "scripted"}, match=match)
    assert await content(http) != "scripted"


async def test_a_misspelt_field_is_refused_by_its_name(http: httpx.AsyncClient) -> None:
    answer = await http.post("/_script", json={"replies": [{"contnet": "x"}]})
    assert answer.status_code == 400
    assert "replies.0.contnet" in answer.json()["error"]["message"]


async def test_an_error_reply_has_the_scripted_status_headers_and_provider_shape(http: httpx.AsyncClient) -> None:
    await script(http, {"status": 429, "error": {"message": "slow down"}, "headers": {"retry-after": "7"}})
    answer = await ask(http)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    expected = {"message": "slow down", "type": "rate_limit_error", "param": None, "code": None}
    assert answer.json() == {"error": expected}


async def test_json_is_sent_as_its_text(http: httpx.AsyncClient) -> None:
    await script(http, {"json": {"thought": "größer"}})
    assert await content(http) == '{"thought": "größer"}'


async def test_scripted_usage_replaces_the_count_and_keeps_the_rest(http: httpx.AsyncClient) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
    await script(http, {"content": "x", "usage": usage})
    sent = (await ask_ok(http))["usage"]
    assert (sent["prompt_tokens"], sent["completion_tokens"], sent["total_tokens"]) == (11, 5, 16)
    assert sent["completion_tokens_details"]["reasoning_tokens"] == 3
    assert sent["completion_tokens_details"]["audio_tokens"] == 0


async def test_chunks_are_streamed_as_they_are_cut(http: httpx.AsyncClient) -> None:
    await script(http, {"chunks": ["a ", "", "b"]})
    events = data_of((await ask(http, stream=True)).text)
    assert [e["choices"][0]["delta"].get("content") for e in events[:-1]] == ["", "a ", "", "b", None]


async def test_raw_body_and_raw_chunks_are_sent_as_they_are(http: httpx.AsyncClient) -> None:
    await script(http, {"raw_body": "<html>", "status": 502}, {"raw_chunks": [{"a": 1}, "{broken"]})
    plain = await ask(http)
    assert (plain.status_code, plain.text) == (502, "<html>")
    assert (await ask(http, stream=True)).text == 'data: {"a":1}\n\ndata: {broken\n\n'


@pytest.mark.parametrize(("field", "stream"), [("delay", False), ("delay", True), ("first_token_delay", True)])
async def test_a_delay_is_kept(http: httpx.AsyncClient, field: str, *, stream: bool) -> None:
    await script(http, {"content": "late", field: 0.2})
    before = time.monotonic()
    await ask(http, stream=stream)
    assert 0.2 <= time.monotonic() - before < 0.5


async def test_the_headers_come_before_the_first_token_delay(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "late", "first_token_delay": 0.3})
    before = time.monotonic()
    async with http.stream("POST", "/v1/chat/completions", json={**QUESTION, "stream": True}) as answer:
        headers_after = time.monotonic() - before
        await answer.aread()
    assert headers_after < 0.2 < time.monotonic() - before


async def test_an_error_event_ends_the_stream_after_the_counted_chunks_without_done(http: httpx.AsyncClient) -> None:
    await script(http, {"chunks": ["a", "b", "c"], "fail_after_chunks": 2, "error": {"message": "broke"}})
    events = data_of((await ask(http, stream=True)).text)
    assert [e["choices"][0]["delta"].get("content") for e in events[:-1]] == ["", "a", "b"]
    assert events[-1]["error"]["message"] == "broke"


async def test_a_dropped_stream_ends_without_its_end_after_the_counted_chunks(http: httpx.AsyncClient) -> None:
    await script(http, {"chunks": ["a", "b"], "fail_after_chunks": 1, "fail": "drop"})
    received = io.StringIO()
    with pytest.raises(httpx.RemoteProtocolError):
        await receive_into(received, http)
    assert [e["choices"][0]["delta"]["content"] for e in data_of(received.getvalue())] == ["", "a"]
    assert [r["outcome"] for r in await requests(http)] == ["dropped"]


async def test_a_dropped_plain_call_gets_no_byte(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "x", "fail_after_chunks": 0, "fail": "drop"})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await ask(http)


async def test_requests_are_read_back_with_body_rule_and_times(http: httpx.AsyncClient) -> None:
    rule = await script(http, {"content": "x"})
    before = time.time()
    await ask(http, user="someone")
    (seen,) = await requests(http, path="/v1/chat/completions", contains="someone")
    assert seen["body"]["user"] == "someone"
    assert (seen["path"], seen["rule_id"], seen["outcome"]) == ("/v1/chat/completions", rule, "completed")
    assert before <= seen["started_at"] <= seen["ended_at"] <= time.time()
    assert await requests(http, contains="nobody") == []


async def test_keys_are_recorded_only_as_a_fingerprint_of_the_bare_key(http: httpx.AsyncClient) -> None:
    await http.post("/v1/chat/completions", json=QUESTION, headers={"authorization": "Bearer sk-secret-1"})
    await http.post("/v1/chat/completions", json=QUESTION, headers={"x-api-key": "sk-secret-1", "x-sm-user-id": "u"})
    first, second = await requests(http)
    fingerprint = "sha256:" + hashlib.sha256(b"sk-secret-1").hexdigest()[:12]
    assert first["headers"]["authorization"] == second["headers"]["x-api-key"] == fingerprint
    assert second["headers"]["x-sm-user-id"] == "u"


async def test_delete_forgets_rules_and_requests(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "scripted"}, {"content": "scripted"})
    await ask(http)
    assert (await http.delete("/_script")).status_code == 204
    assert await requests(http) == []
    assert await content(http) != "scripted"


async def test_connections_are_counted_as_they_open_and_close(http: httpx.AsyncClient, demo_url: str) -> None:
    before = (await http.get("/_connections")).json()
    async with httpx.AsyncClient(base_url=demo_url) as other:
        await ask(other)
        await ask(other)
        during = (await http.get("/_connections")).json()
    await asyncio.sleep(0.05)
    after = (await http.get("/_connections")).json()
    assert during == {"accepted": before["accepted"] + 1, "open": before["open"] + 1}
    assert after == {"accepted": before["accepted"] + 1, "open": before["open"]}


async def test_a_body_and_a_query_are_read_back_as_they_came(http: httpx.AsyncClient) -> None:
    raw = '{"model": "gpt-4o-mini",  "messages": [{"role": "user", "content": "\\u00fc"}]}'
    await http.post("/v1/chat/completions?beta=true", content=raw)
    (seen,) = await requests(http, raw="true")
    assert (seen["raw"], seen["query"]) == (raw, "beta=true")
