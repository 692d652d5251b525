"""When a trace is whole."""

from typing import Any

import httpx
import pytest
import respx

from local_stack.traces import LATE_SECONDS, Phoenix, Span, missing, whole

ENDED = 1_000.0
SOON, LATE = ENDED + 1, ENDED + LATE_SECONDS + 1
TOKENS: dict[str, Any] = {"llm.token_count.prompt": 1}


def span(name: str, parent: str | None, kind: str = "LLM", *, failed: bool = False, **attributes: Any) -> Span:
    return Span(name, kind, name, parent, ENDED - 1, ENDED, failed, attributes)


def call(operation: str = "chat", *, failed: bool = False, **attributes: Any) -> Span:
    purpose = {"metadata.component": "passthrough", "metadata.operation": operation}
    return span(f"passthrough.{operation}", "POST /v1/chat", "CHAIN", failed=failed, **purpose, **attributes)


REQUEST = span("POST /v1/chat", None, "CHAIN")
POST = span("POST /chat", "passthrough.chat")


def attempt(name: str = "chat gpt-4o", **attributes: Any) -> Span:
    return span(name, "POST /chat", **attributes)


def test_a_request_whose_call_has_its_tokens_is_whole() -> None:
    assert missing([REQUEST, call(), POST, attempt(**TOKENS)], SOON) == []


@pytest.mark.parametrize("name", ["embeddings text-embedding-3-small", "text_completion gpt-3.5", "chat gpt-4o"])
def test_tokens_count_whatever_kind_of_call_it_was(name: str) -> None:
    assert missing([REQUEST, call(), POST, attempt(name, **TOKENS)], SOON) == []


def test_a_request_that_made_no_call_is_whole_when_it_has_ended() -> None:
    assert missing([REQUEST], SOON) == []


def test_a_request_is_not_whole_before_it_has_ended() -> None:
    assert missing([call(), POST, attempt(**TOKENS)], LATE) == ["the span of the request itself"]


def test_a_call_lacks_what_litellm_counted() -> None:
    assert missing([REQUEST, call(), POST, attempt()], LATE) == ["LiteLLM's spans of passthrough.chat"]


def test_what_litellm_counted_lacks_the_call_above_it() -> None:
    assert missing([REQUEST, POST, attempt(**TOKENS)], LATE) == ["the span above LiteLLM's 'POST /chat'"]


def test_each_call_of_several_needs_its_own_tokens() -> None:
    spans = [REQUEST, call(), POST, attempt(**TOKENS), call("embedding")]
    assert missing(spans, LATE) == ["LiteLLM's spans of passthrough.embedding"]


@pytest.mark.parametrize("ended", [{"failed": True}, {"call.cut": True}], ids=["failed", "cut"])
def test_a_call_that_failed_or_was_cut_may_have_no_tokens(ended: dict[str, Any]) -> None:
    assert missing([REQUEST, call(**ended), POST, attempt()], SOON) == []


@pytest.mark.parametrize("ended", [{"failed": True}, {"call.cut": True}], ids=["failed", "cut"])
def test_litellm_is_given_some_seconds_for_a_call_that_failed_or_was_cut(ended: dict[str, Any]) -> None:
    spans = [REQUEST, call(**ended)]
    assert missing(spans, SOON) == ["LiteLLM's spans of passthrough.chat"]
    assert missing(spans, LATE) == []


def test_the_parent_of_a_request_is_its_callers_own_affair() -> None:
    assert missing([span("POST /v1/chat", "elsewhere", "CHAIN")], SOON) == []


@respx.mock
def test_a_trace_of_several_pages_is_read_to_its_end() -> None:
    row: dict[str, Any] = {"name": "x", "span_kind": "LLM", "parent_id": None, "status_code": "OK", "attributes": {}}
    times = {"start_time": "2026-01-01T00:00:00+00:00", "end_time": "2026-01-01T00:00:01+00:00"}
    pages: list[dict[str, Any]] = [
        {"data": [row | times | {"context": {"span_id": str(number)}}], "next_cursor": "more"} for number in (1, 2)
    ]
    pages[-1]["next_cursor"] = None
    asked = respx.get("http://phoenix.test/v1/projects/p/spans").mock(
        side_effect=[httpx.Response(200, json=page) for page in pages]
    )
    assert [span.span_id for span in Phoenix("http://phoenix.test", "p").spans("t")] == ["1", "2"]
    assert [call.request.url.params.get("cursor") for call in asked.calls] == [None, "more"]


@respx.mock
def test_whoever_waits_hears_what_for() -> None:
    respx.get("http://phoenix.test/v1/projects/p/spans").respond(404)
    heard: list[str] = []
    assert whole(Phoenix("http://phoenix.test", "p"), "t", 3, heard.append) == (
        [],
        ["the span of the request itself"],
    )
    assert set(heard) == {"the span of the request itself"}
