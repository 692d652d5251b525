"""Anthropic's Messages API through the real LiteLLM: what is asked, answered and counted, as its provider would have it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given, settings

from local_stack.instance import Instance
from tests.integration_tests.contract.differences import unexpected
from tests.integration_tests.contract.messages import ANSWER, REQUEST, STREAM
from tests.integration_tests.contract.test_equality import BOUNDED
from tests.integration_tests.contract.wire import Wire
from tests.support.api import RunningAPI
from tests.support.ledgers import Ledgers, settled

PATH = "/messages"
CLAUDE, OTHERS = "claude-haiku-4-5", ("gpt-4o-mini", "gemini-2.5-flash")
SAID: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "a"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**SAID, "content": [], "stop_reason": None}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
# LiteLLM says neither where a client says nothing: `stream` is what its absence means, and of `metadata` nothing is left.
ALLOWED_ASKED = frozenset({("metadata", "added"), ("stream", "added")})
FEWER = settings(BOUNDED, max_examples=40)


def _ask(wire: Wire, *replies: dict[str, Any], headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    return wire.ask(*replies, path=PATH, headers=headers, **{"model": CLAUDE, "max_tokens": 1000, **fields})


def _payloads(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and object of every event."""
    for event in response.text.split("\n\n")[:-1]:
        name, data = event.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def _error(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    return dict(body["error"])


@FEWER
@given(request=REQUEST)
def test_a_request_arrives_as_it_was_sent(wire: Wire, request: dict[str, Any]) -> None:
    mark = f"mark-{uuid4().hex}"
    wire.provider.script({"raw_chunks": EVENTS} if request.get("stream") else {"raw_body": SAID}, contains=mark)
    sent = {**request, "messages": [*request["messages"], {"role": "user", "content": mark}]}
    wire.client.post(PATH, json=sent).raise_for_status()
    [seen] = wire.provider.requests(contains=mark)
    assert unexpected(sent, seen["body"], ALLOWED_ASKED) == []


@FEWER
@given(answer=ANSWER)
def test_a_plain_message_is_the_providers(wire: Wire, answer: dict[str, Any]) -> None:
    assert _ask(wire, {"raw_body": answer}, model="claude-opus-5").raise_for_status().json() == answer


@FEWER
@given(events=STREAM)
def test_a_streamed_message_is_the_providers_event_by_event(wire: Wire, events: list[dict[str, Any]]) -> None:
    response = _ask(wire, {"raw_chunks": events}, model="claude-opus-5", stream=True).raise_for_status()
    assert list(_payloads(response)) == [(event["type"], event) for event in events]


def test_headers_that_are_anthropics_reach_it_and_no_others(wire: Wire, mark: str) -> None:
    headers = {
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "tomorrows-2027-01-01,context-1m-2025-08-07",
        "anthropic-of-tomorrow": "x",
        "x-app": "cli",
        "x-sm-user-id": "somebody",
    }
    _ask(wire, {"raw_body": SAID}, mark=mark, headers=headers).raise_for_status()
    [seen] = wire.provider.requests(contains=mark)
    arrived = seen["headers"]
    assert (arrived["anthropic-version"], arrived["anthropic-of-tomorrow"]) == ("2026-10-21", "x")
    assert set(arrived["anthropic-beta"].split(",")) == set(headers["anthropic-beta"].split(","))
    assert not {"x-app", "x-sm-user-id", "traceparent", "authorization"} & set(arrived)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("value", [{"a": [1, {"b": "é"}]}, [], None, "x", 0], ids=str)
@pytest.mark.parametrize("field", ["diagnostics", "fallbacks", "tomorrows"])
def test_a_field_that_litellm_does_not_know_arrives(wire: Wire, field: str, value: Any, *, stream: bool) -> None:
    mark = f"mark-{uuid4().hex}"
    wire.provider.script({"raw_chunks": EVENTS} if stream else {"raw_body": SAID}, contains=mark)
    asked = {"model": CLAUDE, "max_tokens": 10, "stream": stream, "messages": [{"role": "user", "content": mark}]}
    wire.client.post(PATH, json={**asked, field: value}).raise_for_status()
    [seen] = wire.provider.requests(contains=mark)
    assert (field in seen["body"], seen["body"].get(field)) == (True, value)


@pytest.mark.parametrize("field", ["api_base", "api_key", "mock_response", "num_retries", "user", "litellm_metadata"])
def test_a_field_that_litellm_obeys_reaches_nobody(wire: Wire, mark: str, field: str) -> None:
    fields: dict[str, Any] = {field: "http://127.0.0.1:9"}
    _ask(wire, {"raw_body": SAID}, mark=mark, **fields).raise_for_status()
    [seen] = wire.provider.requests(contains=mark)
    assert field not in seen["body"]


def test_anthropics_fields_reach_no_other_provider(wire: Wire, mark: str) -> None:
    _ask(wire, model=OTHERS[1], mark=mark, fallbacks=[{"model": "claude-opus-5"}]).raise_for_status()
    [seen] = wire.provider.requests(contains=mark)
    assert "fallbacks" not in seen["body"]


@pytest.mark.parametrize("model", OTHERS)
def test_another_model_answers_in_the_same_form(wire: Wire, model: str) -> None:
    message = _ask(wire, {"content": "Hello"}, model=model).raise_for_status().json()
    assert message["id"].startswith("msg_")
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", "end_turn")
    assert message["content"] == [{"type": "text", "text": "Hello", "citations": None}]
    assert {name for name, count in message["usage"].items() if count is not None} == {"input_tokens", "output_tokens"}
    assert {"container", "stop_details"} <= set(message)


@pytest.mark.parametrize("model", OTHERS)
def test_another_models_stream_begins_with_a_count_and_ends_with_the_true_one(wire: Wire, model: str) -> None:
    response = _ask(wire, {"content": "Hello"}, model=model, stream=True, system="Be brief.").raise_for_status()
    events = [event for _, event in _payloads(response)]
    assert events[0]["message"]["usage"]["input_tokens"] > 0
    [delta] = [event for event in events if event["type"] == "message_delta"]
    assert delta["usage"]["input_tokens"] > 0
    assert delta["usage"]["output_tokens"] > 0
    assert events[-1] == {"type": "message_stop"}


ERRORS = {
    "too long": (400, "invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum"),
    "too much asked for": (
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ),
    "no key": (401, "authentication_error", "invalid x-api-key"),
    "no credit": (402, "billing_error", "Your credit balance is too low"),
    "not permitted": (403, "permission_error", "Your account may not use it"),
    "not there": (404, "not_found_error", "model: claude-x"),
    "a conflict": (409, "conflict_error", "It was changed meanwhile"),
    "too large": (413, "request_too_large", "Request exceeds the maximum size"),
    "too many": (429, "rate_limit_error", "This request would exceed your rate limit"),
    "a failure": (500, "api_error", "Internal server error"),
    "too late": (504, "timeout_error", "It took too long"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("what", ERRORS)
def test_a_providers_error_keeps_its_status_its_type_and_its_words(wire: Wire, what: str, *, stream: bool) -> None:
    status, kind, message = ERRORS[what]
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_of_the_provider"}
    response = _ask(wire, {"status": status, "raw_body": error}, stream=stream)
    assert (response.status_code, _error(response)) == (status, {"type": kind, "message": message})
    assert response.headers["request-id"] == "req_of_the_provider"


LIMITS = {
    "retry-after": "7",
    "x-should-retry": "true",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-tokens-reset": "2027-01-01T00:00:00Z",
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", [CLAUDE, *OTHERS])
def test_a_providers_error_keeps_the_headers_that_a_client_recovers_by(wire: Wire, model: str, *, stream: bool) -> None:
    status, kind, message = ERRORS["too long"]
    error = {"type": "error", "error": {"type": kind, "message": message}}
    reply = {"status": status, "raw_body": error, "headers": {**LIMITS, "set-cookie": "a=b", "server-timing": "x"}}
    response = _ask(wire, reply, model=model, stream=stream)
    assert _error(response)["message"] == message
    assert {name: response.headers.get(name) for name in LIMITS} == LIMITS
    assert not {"set-cookie", "server-timing"} & set(response.headers)


def test_an_overloaded_provider_says_when_to_come_again(wire: Wire) -> None:
    """LiteLLM asks it twice more first, and waits as long as it says."""
    status, kind, message = ERRORS["overloaded"]
    error = {"type": "error", "error": {"type": kind, "message": message}}
    response = _ask(wire, {"status": status, "raw_body": error, "headers": {"retry-after": "1"}})
    assert (response.status_code, response.headers.get("retry-after")) == (529, "1")


def test_a_plain_message_keeps_its_providers_limits_and_request_id(wire: Wire) -> None:
    headers = {"anthropic-ratelimit-requests-remaining": "3", "request-id": "req_of_the_provider", "set-cookie": "a=b"}
    answered = _ask(wire, {"raw_body": SAID, "headers": headers}).raise_for_status().headers
    assert (answered["anthropic-ratelimit-requests-remaining"], answered["request-id"]) == ("3", "req_of_the_provider")
    assert "set-cookie" not in answered


@pytest.mark.parametrize("model", [CLAUDE, *OTHERS])
def test_a_stream_that_fails_ends_with_an_error_event(wire: Wire, model: str) -> None:
    failing = {"chunks": ["a", "b", "c"], "chunk_delay": 0.5, "fail_after_chunks": 2, "error": {"message": "Boom"}}
    events = list(_payloads(_ask(wire, failing, model=model, stream=True)))
    assert "message_stop" not in dict(events)
    name, told = events[-1]
    assert (name, told["type"], told["error"]["message"]) == ("error", "error", "Boom")


@pytest.mark.parametrize("model", [CLAUDE, *OTHERS])
def test_a_stream_that_breaks_off_says_so(wire: Wire, model: str) -> None:
    dropping = {"chunks": ["a", "b", "c"], "chunk_delay": 0.5, "fail_after_chunks": 2, "fail": "drop"}
    name, told = list(_payloads(_ask(wire, dropping, model=model, stream=True)))[-1]
    assert (name, told["error"]) == ("error", {"type": "api_error", "message": "The provider's answer broke off."})


def test_a_stream_that_never_ends_its_message_is_an_error(wire: Wire) -> None:
    response = _ask(wire, {"raw_chunks": EVENTS[:-1]}, stream=True)
    assert list(_payloads(response))[-1][0] == "error"


def test_a_stream_whose_first_event_is_an_error_has_its_status(wire: Wire) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    response = _ask(wire, {"raw_chunks": [error]}, stream=True)
    assert (response.status_code, _error(response)) == (529, error["error"])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no max_tokens": ({"max_tokens": None}, "max_tokens"),
    "a text for a number": ({"max_tokens": "5"}, "max_tokens"),
    "no messages": ({"messages": []}, "messages"),
    "a turn without content": ({"messages": [{"role": "user"}]}, "messages[0].content"),
    "a block without a type": (
        {"messages": [{"role": "user", "content": [{"text": "a"}]}]},
        "messages[0].content[0].type",
    ),
    "a number as content": ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    "a number as system": ({"system": 5}, "system"),
    "a text for tools": ({"tools": "all"}, "tools"),
    "a text for thinking": ({"thinking": "hard"}, "thinking"),
    "a text for stream": ({"stream": "yes"}, "stream"),
    "no model": ({"model": None}, "model"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_request_is_refused_by_the_name_of_the_field(wire: Wire, what: str) -> None:
    fields, named = BAD[what]
    response = _ask(wire, **fields)
    assert response.status_code == 400
    error = _error(response)
    assert error["type"] == "invalid_request_error"
    assert f"'{named}'" in error["message"]


def test_an_unknown_model_is_told_which_there_are(wire: Wire) -> None:
    response = _ask(wire, model="claude-nope")
    assert (response.status_code, _error(response)["type"]) == (404, "not_found_error")
    assert "claude-nope" in _error(response)["message"]
    assert CLAUDE in _error(response)["message"]


@pytest.mark.parametrize(
    ("asked", "answers"), [("claude-opus-4-8", "claude-opus-5"), ("claude-haiku-4-5-20251001", "claude-haiku-4-5")]
)
def test_a_name_that_clients_know_is_answered_by_a_model_that_there_is(wire: Wire, asked: str, answers: str) -> None:
    response = _ask(wire, model=asked).raise_for_status()
    assert (response.json()["model"], response.headers["x-litellm-model-group"]) == (answers, answers)


def test_a_provider_that_counts_is_asked(wire: Wire, mark: str) -> None:
    request = {"model": CLAUDE, "messages": [{"role": "user", "content": mark}], "system": "Be brief."}
    counted = wire.client.post("/messages/count_tokens", json=request).raise_for_status().json()
    [seen] = wire.provider.requests(contains=mark)
    assert (set(counted), seen["path"]) == ({"input_tokens"}, "/v1/messages/count_tokens")


@pytest.mark.parametrize("model", OTHERS)
def test_of_a_provider_that_does_not_count_litellm_estimates(wire: Wire, model: str) -> None:
    request = {"model": model, "messages": [{"role": "user", "content": "How many are these?"}]}
    counted = wire.client.post("/messages/count_tokens", json=request).raise_for_status().json()
    assert set(counted) == {"input_tokens"}
    assert 0 < counted["input_tokens"] < 50


@pytest.mark.parametrize("path", ["/messages?beta=true", "/messages/", "/messages/?beta=true"])
def test_the_path_counts_and_nothing_behind_it(wire: Wire, path: str) -> None:
    wire.ask(path=path, model=CLAUDE, max_tokens=10).raise_for_status()


def test_models_are_listed_as_anthropic_does_to_its_clients(api: RunningAPI) -> None:
    headers = {**api.headers, "anthropic-version": "2023-06-01"}
    with httpx.Client(base_url=api.base_url, trust_env=False, timeout=60) as client:
        page = client.get("/models?limit=1000", headers=headers).raise_for_status().json()
        one = client.get(f"/models/{CLAUDE}-20251001", headers=headers).raise_for_status().json()
        others = client.get("/models", headers=api.headers).raise_for_status().json()
    assert {model["id"] for model in page["data"]} == {model["id"] for model in others["data"]}
    assert others["object"] == "list"
    assert (page["has_more"], one["type"], one["id"], one["display_name"]) == (
        False,
        "model",
        CLAUDE,
        "Claude Haiku 4.5",
    )


def test_whoever_brings_no_token_is_told_in_anthropics_form(api: RunningAPI) -> None:
    response = httpx.post(f"{api.base_url}/messages", json={}, trust_env=False)
    assert (response.status_code, _error(response)["type"]) == (401, "authentication_error")


def test_litellm_alone_begins_another_models_stream_without_a_count(litellm: Wire) -> None:
    opening = next(_payloads(_ask(litellm, {"content": "Hello"}, model=OTHERS[0], stream=True)))[1]
    assert opening["message"]["usage"]["input_tokens"] == 0


def test_litellm_alone_gives_another_models_message_an_id_of_its_own(litellm: Wire) -> None:
    assert _ask(litellm, {"content": "Hello"}, model=OTHERS[0]).json()["id"].startswith("resp_")


def test_litellm_alone_wraps_the_words_of_an_error_and_drops_its_headers(litellm: Wire) -> None:
    status, kind, message = ERRORS["too long"]
    error = {"type": "error", "error": {"type": kind, "message": message}}
    response = _ask(litellm, {"status": status, "raw_body": error, "headers": {"retry-after": "7"}})
    assert response.json()["error"]["message"].startswith("litellm.")
    assert not [name for name in response.headers if name.endswith("retry-after")]


def test_litellm_alone_drops_a_field_that_it_does_not_know(litellm: Wire, mark: str) -> None:
    _ask(litellm, {"raw_body": SAID}, mark=mark, tomorrows={"a": 1}).raise_for_status()
    [seen] = litellm.provider.requests(contains=mark)
    assert "tomorrows" not in seen["body"]


@pytest.mark.parametrize(("what", "answered"), [("too large", 400), ("overloaded", 500)])
def test_litellm_alone_answers_another_status_than_the_providers(litellm: Wire, what: str, answered: int) -> None:
    status, kind, message = ERRORS[what]
    error = {"type": "error", "error": {"type": kind, "message": message}}
    assert _ask(litellm, {"status": status, "raw_body": error}).status_code == answered


def test_litellm_alone_says_in_no_row_that_an_openai_models_stream_broke_off(wire: Wire, stack: Instance) -> None:
    ledgers, session = Ledgers.from_now(stack), f"session-{uuid4().hex}"
    dropping = {"chunks": ["a", "b", "c"], "chunk_delay": 0.5, "fail_after_chunks": 2, "fail": "drop"}
    for reply, model in ((dropping, "gpt-4o-mini"), (dropping, CLAUDE), ({"content": "Hello"}, "gpt-4o-mini")):
        _ask(wire, reply, model=model, stream=True, headers={"x-session-id": session})
    # Rows are written in the order of their calls: once the last is there, the first would be. Now and then it has one of its
    # own, which says that all went well.
    rows = settled(lambda: [row for row in ledgers.rows() if row.session == session], 2, within=60)
    assert {(row.model, row.failed) for row in rows} == {(CLAUDE, True), ("gpt-4o-mini", False)}
