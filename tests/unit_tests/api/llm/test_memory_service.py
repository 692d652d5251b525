"""What reaches a memory service with a call, and what comes back of it."""

import json
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import ANSWER, SSE, sent_to, token
from tests.unit_tests.api.edge.test_request_body import PATH

MESSAGES = [{"role": "user", "content": "hi"}]
CHUNKS = b'data: {"id":"1","choices":[]}\n\ndata: [DONE]\n\n'
PATHS: dict[str, dict[str, Any]] = {
    PATH: {"messages": MESSAGES},
    "/v1/completions": {"prompt": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/embeddings": {"input": "hi"},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 9},
}
# What LiteLLM knows another caller by shall not go along.
NO_COOKIE = {"cookie": ""}
STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
CHOICE = {"reason": "r", "mode": "passthrough"}
OF_THE_SERVICE = {
    "llm_provider-x-supermemory-conversation-id": "c-1",
    "llm_provider-x-supermemory-error": "e" * 999,
    "llm_provider-set-cookie": "__cf_bm=x",
    "llm_provider-x-other": "o",
}


def _answers(content: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(content)}}
    return {**ANSWER, "choices": [choice], "model": "gpt-4o", "created": 1}


def _asked(client: TestClient, litellm: respx.Router, path: str, **sent: Any) -> dict[str, Any]:
    """What LiteLLM got."""
    route = litellm.post(path).respond(200, json=ANSWER)
    headers, body = sent.pop("headers", {}), sent.pop("body", {})
    assert (
        client.post(path, json={"model": "gpt-4o", **PATHS[path], **sent, **body}, headers=headers).status_code == 200
    )
    return sent_to(route)


@pytest.fixture(autouse=True)
def models(litellm: respx.Router) -> None:
    litellm.get("/v1/models").respond(200, json={"data": [{"id": "gpt-4o"}, {"id": "memory/claude"}]})


@pytest.mark.parametrize("path", PATHS)
def test_user_and_session_go_along_on_every_path(named: TestClient, litellm: respx.Router, path: str) -> None:
    sent = _asked(named, litellm, path, headers=token("alice") | {"x-session-id": "s-1"})
    assert sent["headers"] == {"x-sm-user-id": "alice", "x-sm-conversation-id": "s-1", **NO_COOKIE}


def test_they_go_along_with_a_stream(named: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, content=CHUNKS, headers=SSE)
    body = {"model": "memory/claude", "messages": MESSAGES, "stream": True}
    named.post(PATH, json=body, headers=token("alice"))
    assert sent_to(route)["headers"] == {"x-sm-user-id": "alice", **NO_COOKIE}


@pytest.mark.parametrize("stream", [False, True])
def test_every_call_of_a_reasoned_answer_has_them(named: TestClient, litellm: respx.Router, stream: bool) -> None:
    ending = httpx.Response(200, content=CHUNKS, headers=SSE) if stream else httpx.Response(200, json=_answers("a"))
    route = litellm.post(PATH).mock(side_effect=[httpx.Response(200, json=_answers(STEP)), ending])
    body = {"model": "gpt-4o", "messages": MESSAGES, "stream": stream}
    named.post(PATH, json=body, headers=token("thinker") | {"x-session-id": "s"})
    told = [json.loads(call.request.content)["headers"] for call in route.calls]
    assert told == [{"x-sm-user-id": "thinker", "x-sm-conversation-id": "s", **NO_COOKIE}] * 2


def test_the_classifiers_call_has_them_where_its_model_has_a_memory(named: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=_answers(CHOICE))
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    named.post(PATH, json=body, headers=token("undecided"))
    sent = [json.loads(call.request.content) for call in route.calls]
    told = {each["model"]: each.get("headers") for each in sent}
    assert told == {"memory/classifier": {"x-sm-user-id": "undecided", **NO_COOKIE}, "gpt-4o-mini": None}


@pytest.mark.parametrize("model", ["gpt-4o-mini", "memory"])
def test_a_model_without_a_memory_is_told_nothing(named: TestClient, litellm: respx.Router, model: str) -> None:
    assert "headers" not in _asked(named, litellm, PATH, headers=token("alice"), model=model)


FORGERIES: dict[str, dict[str, Any]] = {
    "the custom header": {"headers": {"x-memory-user-id": "alice"}},
    "the service's own header": {"headers": {"x-sm-user-id": "alice", "x-sm-conversation-id": "alices"}},
    "headers in the body": {"extra_headers": {"x-sm-user-id": "alice"}},
    "LiteLLM's word for them": {"body": {"headers": {"x-sm-user-id": "alice"}}},
    "a query of the provider's": {"extra_query": {"userId": "alice"}},
    "a body of the provider's": {"extra_body": {"user": "alice"}},
    "a user": {"user": "alice"},
    "a user of Anthropic's": {"metadata": {"user_id": "alice", "conversation_id": "alice"}},
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_who_may_not_set_a_user_reaches_nobodys_memory(
    named: TestClient, litellm: respx.Router, forgery: str, path: str
) -> None:
    said = FORGERIES[forgery]
    sent = _asked(named, litellm, path, **{**said, "headers": token("bob") | said.get("headers", {})})
    sent.pop("litellm_metadata", {})
    sent.get("metadata", {}).pop("spend_logs_metadata", {})
    sent.get("metadata", {}).pop("end_user", "")  # LiteLLM keeps this from every provider
    assert "alice" not in json.dumps(sent)


@pytest.mark.parametrize("path", PATHS)
def test_no_memory_user_is_told_of_nobody(named: TestClient, litellm: respx.Router, path: str) -> None:
    sent = _asked(named, litellm, path, headers=token("bob") | {"x-session-id": "s"})
    assert sent["headers"] == NO_COOKIE


def test_who_may_set_a_user_does(named: TestClient, litellm: respx.Router) -> None:
    sent = _asked(named, litellm, PATH, headers=token("chat-page") | {"x-memory-user-id": "carol"})
    assert sent["headers"] == {"x-sm-user-id": "carol", **NO_COOKIE}


def test_a_users_header_that_cannot_be_used_is_named(named: TestClient) -> None:
    body = {"model": "gpt-4o", "messages": MESSAGES}
    answer = named.post(PATH, json=body, headers=token("chat-page") | {"x-memory-user-id": "a b"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-memory-user-id")


def test_the_bodys_user_is_the_end_user_and_no_memorys(named: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    body = {"model": "gpt-4o", "messages": MESSAGES, "user": "dora"}
    named.post(PATH, json=body, headers=token("alice"))
    assert route.calls.last.request.headers["x-litellm-end-user-id"] == "dora"
    assert "user" not in sent_to(route)


def test_anthropics_headers_go_along_with_the_users(named: TestClient, litellm: respx.Router) -> None:
    sent = _asked(named, litellm, "/v1/messages", headers=token("alice") | {"anthropic-new": "n"})
    assert sent["headers"] == {"anthropic-new": "n", "x-sm-user-id": "alice", **NO_COOKIE}


def test_a_responses_metadata_names_no_memory_and_keeps_all_else(named: TestClient, litellm: respx.Router) -> None:
    metadata = {"user_id": "alice", "conversation_id": "alices", "order": "42"}
    sent = _asked(named, litellm, "/v1/responses", headers=token("bob"), metadata=metadata)
    assert sent["metadata"] == {"order": "42"}
    assert sent["litellm_metadata"]["spend_logs_metadata"]["caller_metadata"] == metadata


def test_the_memory_user_stands_in_the_spend_log(named: TestClient, litellm: respx.Router) -> None:
    metadata = _asked(named, litellm, PATH, headers=token("alice"))["metadata"]
    assert metadata["spend_logs_metadata"].items() >= {"memory_user": "alice", "caller": "alice"}.items()


def test_without_rules_no_header_goes_out_and_the_bodys_user_stays(client: TestClient, litellm: respx.Router) -> None:
    sent = _asked(client, litellm, PATH, user="u-1", headers={"x-memory-user-id": "x", "x-sm-user-id": "x"})
    assert (sent["user"], "headers" in sent) == ("u-1", False)


@pytest.mark.parametrize("stream", [False, True])
def test_the_services_headers_come_back_by_the_list(named: TestClient, litellm: respx.Router, stream: bool) -> None:
    played: dict[str, Any] = {"content": CHUNKS} if stream else {"json": ANSWER}
    litellm.post(PATH).respond(200, **played, headers=OF_THE_SERVICE | (SSE if stream else {}))
    body = {"model": "gpt-4o", "messages": MESSAGES, "stream": stream}
    answer = named.post(PATH, json=body, headers=token("alice"))
    assert answer.headers["x-supermemory-conversation-id"] == "c-1"
    assert not {"x-supermemory-error", "x-other", "set-cookie"} & set(answer.headers)


def test_without_a_list_none_comes_back(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=ANSWER, headers=OF_THE_SERVICE)
    answer = client.post(PATH, json={"model": "gpt-4o", "messages": MESSAGES})
    assert "x-supermemory-conversation-id" not in answer.headers


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_fails_is_told_with_its_status_and_when_to_come_again(
    named: TestClient, litellm: respx.Router, status: int
) -> None:
    told = {"llm_provider-retry-after": "7", **OF_THE_SERVICE}
    litellm.post(PATH).respond(status, json={"error": {"message": "no"}}, headers=told)
    answer = named.post(PATH, json={"model": "gpt-4o", "messages": MESSAGES}, headers=token("alice"))
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")


def _ask_as(named: TestClient, litellm: respx.Router, who: dict[str, str], cookie: str | None, **fields: Any) -> str:
    """The `cookie` that went along; `cookie` is what the provider then sets."""
    headers = {"llm_provider-set-cookie": f"{cookie}; path=/; HttpOnly"} if cookie else {}
    said = (
        {"content": CHUNKS, "headers": SSE | headers} if fields.get("stream") else {"json": ANSWER, "headers": headers}
    )
    route = litellm.post(PATH).respond(200, **said)
    answer = named.post(PATH, json={"model": "gpt-4o", "messages": MESSAGES, **fields}, headers=who)
    assert "set-cookie" not in answer.headers
    told: str = sent_to(route)["headers"]["cookie"]
    return told


@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_cookie_comes_back_to_it_with_the_same_users_calls_alone(
    named: TestClient, litellm: respx.Router, *, stream: bool
) -> None:
    assert _ask_as(named, litellm, token("alice"), "__cf_bm=alices", stream=stream) == ""
    assert _ask_as(named, litellm, token("chat-page") | {"x-memory-user-id": "carol"}, "__cf_bm=others") == ""
    assert _ask_as(named, litellm, token("alice"), None) == "__cf_bm=alices"
    assert _ask_as(named, litellm, token("alice"), None, model="memory/claude") == ""


def test_a_cookie_that_nobodys_call_brings_is_nobodys(named: TestClient, litellm: respx.Router) -> None:
    assert _ask_as(named, litellm, token("bob"), "__cf_bm=bobs") == ""
    assert _ask_as(named, litellm, token("bob"), None) == ""
