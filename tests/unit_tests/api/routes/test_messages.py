"""Messages over a LiteLLM that respx plays: what leaves, and what becomes of what comes back."""

import json
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from api.edge import anthropic_headers
from api.errors import InvalidHeader
from tests.unit_tests.api.conftest import SSE, sent_to

PATH, COUNT = "/v1/messages", "/v1/messages/count_tokens"
ASKED: dict[str, Any] = {"model": "claude-a", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
COUNTED = {name: ASKED[name] for name in ("model", "messages")}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-a",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
NONE_READ = {"type": "message_start", "message": {**MESSAGE, "content": [], "usage": {"input_tokens": 0}}}
STOP = {"type": "message_stop"}


@pytest.fixture(autouse=True)
def models(litellm: respx.Router) -> None:
    litellm.get("/v1/models").respond(200, json={"data": [{"id": "claude-a"}, {"id": "claude-opus-5"}]})
    litellm.get("/v1/model/info").respond(200, json={"data": []})


def _events(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def test_what_is_asked_goes_on_with_our_attribution_beside_it(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    system = [{"type": "text", "text": "x-anthropic-billing-header: a", "cache_control": {"type": "ephemeral"}}]
    asked = {
        **ASKED,
        "system": system,
        "thinking": {"type": "adaptive"},
        "of_tomorrow": [1],
        "metadata": {"user_id": "u1"},
    }
    assert client.post(PATH, json=asked).json() == MESSAGE
    sent = sent_to(route)
    ours, metadata = sent.pop("litellm_metadata"), sent.pop("metadata")
    assert sent == {name: value for name, value in asked.items() if name != "metadata"}
    assert (metadata["user_id"], metadata["component"], metadata["operation"]) == ("u1", "passthrough", "messages")
    assert ours["tags"][:2] == ["component:passthrough", "operation:messages"]
    assert ours["spend_logs_metadata"]["end_user"] == "u1"
    assert route.calls.last.request.headers["x-litellm-end-user-id"] == "u1"


def test_a_field_that_litellm_would_obey_is_left_out(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    evil = {
        "api_base": "http://evil.test",
        "fallbacks": ["x"],
        "extra_headers": {"a": "b"},
        "litellm_metadata": {"tags": ["x"]},
    }
    client.post(PATH, json={**ASKED, **evil, "metadata": {"tags": ["component:evil"], "generation_name": "x"}})
    sent = sent_to(route)
    assert not {"api_base", "fallbacks", "extra_headers"} & sent.keys()
    assert "generation_name" not in sent["metadata"]
    assert sent["litellm_metadata"]["tags"][0] == "component:passthrough"


def test_anthropics_headers_go_on(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    client.post(
        PATH,
        json=ASKED,
        headers={"anthropic-beta": "b,a", "anthropic-version": "v", "anthropic-new": "n", "x-app": "cli"},
    )
    headers = route.calls.last.request.headers
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == ("b,a", "v")
    assert "x-app" not in headers
    assert sent_to(route)["headers"] == {"anthropic-new": "n"}


def test_a_header_that_is_sent_in_two_lines_is_one_list(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    client.post(PATH, json=ASKED, headers=[("anthropic-beta", "b"), ("anthropic-beta", "a")])
    assert route.calls.last.request.headers["anthropic-beta"] == "b,a"


@pytest.mark.parametrize("value", ["é", "a\tb", "a" * 5000])
def test_a_header_that_cannot_be_sent_on_is_named(value: str) -> None:
    with pytest.raises(InvalidHeader, match="anthropic-new must be") as raised:
        anthropic_headers([("x-other", "é"), ("anthropic-new", value)])
    assert raised.value.param == "anthropic-new"


def test_a_title_is_an_operation_of_its_own(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    client.post(PATH, json={**ASKED, "output_config": {"format": {"type": "json_schema", "schema": schema}}})
    assert "operation:title" in sent_to(route)["litellm_metadata"]["tags"]


@pytest.mark.parametrize(
    ("known", "goes_on"),
    [
        ({"litellm_provider": "openai", "supports_reasoning": None}, False),
        ({"litellm_provider": "openai", "supports_reasoning": True}, True),
        ({"litellm_provider": "anthropic", "supports_reasoning": None}, True),
        ({"litellm_provider": None, "supports_reasoning": None}, True),
    ],
    ids=["cannot", "can", "Anthropic's own", "not known"],
)
@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "enabled", "budget_tokens": 1024}])
def test_a_model_that_cannot_think_is_not_asked_to(
    client: TestClient, litellm: respx.Router, thinking: dict[str, Any], known: dict[str, Any], goes_on: bool
) -> None:
    litellm.get("/v1/model/info").respond(200, json={"data": [{"model_name": "claude-a", "model_info": known}]})
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    client.post(PATH, json={**ASKED, "thinking": thinking, "output_config": {"effort": "high"}})
    sent = sent_to(route)
    assert (sent.get("thinking"), sent["output_config"]) == (thinking if goes_on else None, {"effort": "high"})


def test_a_model_is_asked_to_think_when_nobody_says_whether_it_can(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/v1/model/info").respond(500, json={})
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    client.post(PATH, json={**ASKED, "thinking": {"type": "adaptive"}})
    assert sent_to(route)["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_thread_is_refused_as_the_sdk_understands_it(
    client: TestClient, litellm: respx.Router, thread: dict[str, Any]
) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    response = client.post(PATH, json={**ASKED, "thread": thread})
    assert (response.status_code, route.called) == (400, False)
    assert response.json()["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }


def test_a_name_with_a_date_is_asked_for_without_it(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    client.post(PATH, json={**ASKED, "model": "claude-a-20250101"})
    assert sent_to(route)["model"] == "claude-a"


@pytest.mark.parametrize("path", [PATH, COUNT])
def test_an_unknown_model_is_told_which_there_are(client: TestClient, litellm: respx.Router, path: str) -> None:
    refused = {
        "message": "The requested model 'nope' is not available",
        "type": "key_model_access_denied",
        "code": "403",
    }
    litellm.post(path).respond(403, json={"error": refused})
    response = client.post(path, json={**ASKED, "model": "nope"})
    assert response.status_code == 404
    assert response.json()["error"] == {
        "type": "not_found_error",
        "message": "model: nope. There is no such model here; there are: claude-a, claude-opus-5.",
    }


def test_a_stream_that_tells_no_count_begins_with_litellms(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, content=_events(NONE_READ, STOP), headers=SSE)
    counter = litellm.post("/utils/token_counter").respond(200, json={"total_tokens": 12})
    response = client.post(PATH, json={**ASKED, "stream": True, "system": "Be brief."})
    assert b'"input_tokens":12' in response.content
    assert sent_to(counter) == {"model": "claude-a", "messages": ASKED["messages"], "system": "Be brief."}


def test_a_count_that_cannot_be_had_stops_no_stream(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, content=_events(NONE_READ, STOP), headers=SSE)
    litellm.post("/utils/token_counter").respond(500, json={})
    assert client.post(PATH, json={**ASKED, "stream": True}).content == _events(NONE_READ, STOP)


def test_a_count_that_is_told_is_asked_for_nobody(client: TestClient, litellm: respx.Router) -> None:
    told = _events({"type": "message_start", "message": MESSAGE}, STOP)
    litellm.post(PATH).respond(200, content=told, headers=SSE)
    assert client.post(PATH, json={**ASKED, "stream": True}).content == told


def test_a_stream_without_an_end_is_an_error(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, content=_events({"type": "message_start", "message": MESSAGE}), headers=SSE)
    content = client.post(PATH, json={**ASKED, "stream": True}).content
    assert content.rpartition(b"event: ")[2].startswith(b"error\n")


def test_a_litellm_that_falls_silent_is_an_error_in_the_stream(client: TestClient, litellm: respx.Router) -> None:
    async def silent() -> Any:
        yield _events({"type": "message_start", "message": MESSAGE})
        raise httpx.ReadTimeout("silent")

    litellm.post(PATH).mock(return_value=httpx.Response(200, headers=SSE, content=silent()))
    content = client.post(PATH, json={**ASKED, "stream": True}).content
    assert b"event: error\n" in content
    assert b"fell silent" in content


def test_a_stream_may_be_silent_for_less_long_than_its_clients_wait(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(
        200, content=_events({"type": "message_start", "message": MESSAGE}, STOP), headers=SSE
    )
    client.post(PATH, json={**ASKED, "stream": True})
    assert route.calls.last.request.extensions["timeout"] == {"read": 240.0}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_what_a_provider_cannot_count_litellm_counts(client: TestClient, litellm: respx.Router, status: int) -> None:
    litellm.post(COUNT).respond(status, json={"error": {"message": "no"}})
    litellm.post("/utils/token_counter").respond(200, json={"total_tokens": 12})
    response = client.post(COUNT, json=COUNTED)
    assert (response.status_code, response.json()) == (200, {"input_tokens": 12})


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_what_is_wrong_with_a_request_to_count_is_told(client: TestClient, litellm: respx.Router, status: int) -> None:
    litellm.post(COUNT).respond(status, json={"error": {"message": "litellm.BadRequestError: AnthropicException - no"}})
    assert client.post(COUNT, json=COUNTED).status_code == status


def test_a_count_is_not_streamed(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(COUNT).respond(200, json={"input_tokens": 3, "litellm_count_source": "provider"})
    assert client.post(COUNT, json={**COUNTED, "stream": True}).json() == {"input_tokens": 3}
    assert "stream" not in sent_to(route)


def test_the_request_id_stands_where_anthropics_clients_look(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=MESSAGE, headers={"llm_provider-request-id": "req_theirs"})
    assert client.post(PATH, json=ASKED).headers["request-id"] == "req_theirs"


CHAT = "/v1/chat/completions"
REASONING = {"x-routing-mode": "reasoning"}
PLANNED = {"thought": "I know.", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}


def _completion(content: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {"id": "c", "choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}


def test_a_message_is_reasoned_about_as_a_chat_completion(client: TestClient, litellm: respx.Router) -> None:
    replies = [httpx.Response(200, json=_completion(text)) for text in (json.dumps(PLANNED), "Hello")]
    route = litellm.post(CHAT).mock(side_effect=replies)
    response = client.post(PATH, json={**ASKED, "system": "Be brief."}, headers=REASONING)
    message = response.json()
    assert (message["type"], message["model"], message["stop_reason"]) == ("message", "claude-a", "end_turn")
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (10, 4)
    assert (response.headers["x-routing-decision"], "request-id" in response.headers) == ("reasoning", True)
    sent = sent_to(route)
    assert (sent["max_tokens"], sent["messages"][1]["content"].startswith("Hi")) == (5, True)
    assert "Be brief." in sent["messages"][0]["content"]


def test_what_a_message_cannot_hold_is_refused_before_the_first_step(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(CHAT)
    response = client.post(PATH, json={**ASKED, "top_k": -1}, headers=REASONING)
    assert (response.status_code, response.json()["type"], route.called) == (400, "error", False)
    assert "top_k" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "asked",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": {"properties": {"title": {"type": "string"}}}}}},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"max_tokens": 0},
    ],
    ids=["a title", "a server tool", "no answer"],
)
def test_what_is_the_models_own_goes_to_it_as_it_came(
    client: TestClient, litellm: respx.Router, asked: dict[str, Any]
) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    system = "Find a title for the conversation."
    response = client.post(PATH, json={**ASKED, "system": system, **asked}, headers=REASONING)
    assert response.headers["x-routing-overruled"].startswith("reasoning; ")
    assert sent_to(route).items() >= asked.items()


@pytest.mark.parametrize("content", [["text"], [{"text": "t"}], [{"type": []}], [5], {"type": "text"}])
def test_a_result_of_no_known_form_is_for_the_model_itself(
    client: TestClient, litellm: respx.Router, content: Any
) -> None:
    route = litellm.post(PATH).respond(200, json=MESSAGE)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    asked = {**ASKED, "messages": [{"role": "user", "content": [result]}]}
    answers = [client.post(PATH, json=asked, headers=headers) for headers in ({}, REASONING)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert route.call_count == 2
