"""The only exit: what leaves, what comes back, and what each failure becomes."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import ANSWER, SSE, sent_to
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

USAGE_CHUNK = b'data: {"id":"1","choices":[],"usage":{"total_tokens":2}}\n\ndata: [DONE]'
CHUNKS = b'data: {"id":"1","x":1}\n\ndata: {"id":"1","x":2}\n\ndata: [DONE]\n\n'


def test_every_field_is_handed_on_with_its_value_and_type(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    fields = {
        "temperature": 0, "top_p": 1.0, "n": 2, "stop": ["a", "b"], "seed": 2**62, "logit_bias": {"50256": -100}, "logprobs": True,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}], "tool_choice": "auto",
        "parallel_tool_calls": False, "reasoning_effort": "low", "modalities": ["text"],
        "prediction": {"type": "content", "content": "x"},
        "store": False, "service_tier": "auto", "max_completion_tokens": 5, "user": "u-1", "verbosity": "low", "audio": None,
        "a_field_of_tomorrow": {"nested": [1, 2.5, "é", None]},
    }  # fmt: skip
    client.post(PATH, json=GOOD | fields)
    sent = sent_to(route)
    del sent["metadata"]
    assert sent == GOOD | fields


def test_the_virtual_key_is_sent_and_the_callers_token_is_not(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD, headers={"cookie": "a=b", "x-api-key": "k", "x-litellm-tags": "component:evil"})
    headers = route.calls.last.request.headers
    assert headers["authorization"] == "Bearer sk-virtual"
    assert not {"cookie", "x-api-key", "x-litellm-tags"} & set(headers)


def test_a_plain_answer_keeps_every_field_and_type(client: TestClient, litellm: respx.Router) -> None:
    message = {"role": "assistant", "content": "a", "refusal": None}
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
    content = {"id": "chatcmpl-1", "choices": choices, "new": 1.0, "big": 2**70, "text": "é \u2028", "none": None}
    litellm.post(PATH).respond(200, json=content)
    assert client.post(PATH, json=GOOD).json() == content


def test_a_stream_keeps_every_event(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, content=CHUNKS, headers=SSE)
    response = client.post(PATH, json=GOOD | {"stream": True})
    assert response.content == CHUNKS
    assert response.headers["content-type"].startswith("text/event-stream")


def test_an_answer_that_is_no_json_is_a_502(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, text="<html>")
    assert client.post(PATH, json=GOOD).status_code == 502


NO_ANSWERS: dict[str, Any] = {
    "a list": [],
    "a string": "text",
    "null": None,
    "choices: null": {"choices": None},
    "choices: a string": {"choices": "text"},
    "a choice that is no object": {"choices": ["text"]},
    "a message that is no object": {"choices": [{"message": "text", "delta": "text"}]},
}
REQUESTS: dict[str, dict[str, Any]] = {PATH: GOOD, "/v1/completions": {"model": "gpt-4o", "prompt": "hi"}}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("what", list(NO_ANSWERS)[:-1])
def test_json_that_is_no_answer_is_a_502(client: TestClient, litellm: respx.Router, path: str, what: str) -> None:
    litellm.post(path).respond(200, json=NO_ANSWERS[what])
    response = client.post(path, json=REQUESTS[path])
    assert (response.status_code, response.json()["error"]["code"]) == (502, "llm_gateway_stream_broken")


def test_a_message_that_is_no_object_is_a_502(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=NO_ANSWERS["a message that is no object"])
    assert client.post(PATH, json=GOOD).status_code == 502


@pytest.mark.parametrize("answer", [[], "text", {"output": ["text"]}, {"output": "text"}], ids=repr)
def test_json_that_is_no_response_is_a_502(client: TestClient, litellm: respx.Router, answer: Any) -> None:
    litellm.post("/v1/responses").respond(200, json=answer)
    assert client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi"}).status_code == 502


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_a_chunk_that_is_no_answer_breaks_the_stream(client: TestClient, litellm: respx.Router, what: str) -> None:
    content = b'data: {"id":"1"}\n\ndata: ' + json.dumps(NO_ANSWERS[what]).encode() + b"\n\ndata: [DONE]\n\n"
    litellm.post(PATH).respond(200, content=content, headers=SSE)
    told = client.post(PATH, json=GOOD | {"stream": True}).content.split(b"\n\n")[-2]
    assert json.loads(told.removeprefix(b"data: "))["error"]["code"] == "llm_gateway_stream_broken"


@pytest.mark.parametrize("options", [None, {"include_usage": True}, {"include_usage": False}, {"x": 1}])
@pytest.mark.parametrize(("path", "asked"), [(PATH, GOOD), ("/v1/completions", {"model": "gpt-4o", "prompt": "hi"})])
def test_litellm_is_asked_for_the_usage_of_every_stream(
    client: TestClient, litellm: respx.Router, path: str, asked: dict[str, Any], options: Any
) -> None:
    route = litellm.post(path).respond(200, content=CHUNKS, headers=SSE)
    client.post(path, json=asked | {"stream": True, "stream_options": options})
    assert sent_to(route)["stream_options"] == (options or {}) | {"include_usage": True}


def test_a_stream_of_the_responses_api_tells_its_usage_unasked(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post("/v1/responses").respond(200, content=CHUNKS, headers=SSE)
    client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "stream": True})
    assert "stream_options" not in sent_to(route)


@pytest.mark.parametrize(("path", "asked"), [(PATH, GOOD), ("/v1/completions", {"model": "gpt-4o", "prompt": "hi"})])
@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}])
def test_a_usage_that_the_caller_did_not_ask_for_is_not_told(
    client: TestClient, litellm: respx.Router, path: str, asked: dict[str, Any], options: Any
) -> None:
    litellm.post(path).respond(200, content=CHUNKS.replace(b"data: [DONE]", USAGE_CHUNK), headers=SSE)
    told = client.post(path, json=asked | {"stream": True, "stream_options": options}).content
    assert (told.count(b"data: "), b"usage" in told) == (3, False)


@pytest.mark.parametrize(("path", "asked"), [(PATH, GOOD), ("/v1/completions", {"model": "gpt-4o", "prompt": "hi"})])
def test_a_usage_that_the_caller_asked_for_is_told(
    client: TestClient, litellm: respx.Router, path: str, asked: dict[str, Any]
) -> None:
    litellm.post(path).respond(200, content=CHUNKS.replace(b"data: [DONE]", USAGE_CHUNK), headers=SSE)
    told = client.post(path, json=asked | {"stream": True, "stream_options": {"include_usage": True}}).content
    assert (told.count(b"data: "), told.count(b'"total_tokens":2')) == (4, 1)


def test_only_named_headers_of_litellm_reach_the_caller(client: TestClient, litellm: respx.Router) -> None:
    headers = {
        "x-litellm-call-id": "c-1", "x-litellm-response-cost": "0.25", "x-ratelimit-remaining-requests": "9",
        "llm_provider-set-cookie": "secret", "set-cookie": "a=b", "x-litellm-model-api-base": "http://upstream",
    }  # fmt: skip
    litellm.post(PATH).respond(200, json=ANSWER, headers=headers)
    received = client.post(PATH, json=GOOD).headers
    assert received["x-litellm-call-id"] == "c-1"
    assert received["x-litellm-response-cost"] == "0.25"
    assert received["x-ratelimit-remaining-requests"] == "9"
    assert not {"llm_provider-set-cookie", "set-cookie", "x-litellm-model-api-base"} & set(received)


def test_a_failed_call_is_not_repeated(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(500, json={"error": {"message": "no"}})
    client.post(PATH, json=GOOD)
    assert route.call_count == 1


def test_a_look_up_says_to_litellm_for_whom_and_what_for(client: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/responses").respond(200, json={"id": "resp_a"})
    response_id = client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi"}).json()["id"]
    route = litellm.get("/v1/responses/resp_a/input_items").respond(200, json={"object": "list", "data": []})
    client.get(f"/v1/responses/{response_id}/input_items?limit=3&after=msg_1", headers={"x-session-id": "s"})
    sent = sent_to(route)
    told = sent["litellm_metadata"]["spend_logs_metadata"]
    assert (sent["limit"], sent["after"]) == (3, "msg_1")
    assert (told["operation"], told["session_id"], "caller" in told) == ("kept_response", "s", True)
