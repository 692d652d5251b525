"""The only exit: what leaves, what comes back, and what each failure becomes."""

import asyncio
import json
from typing import Any

import httpx
import openai
import pytest
import respx
from openai.types.responses import ResponseErrorEvent
from starlette.testclient import TestClient

from api import llm_gateway
from tests.unit_tests.api.conftest import TOKEN
from tests.unit_tests.api.test_request_body import GOOD, PATH

ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0}], "usage": {"total_tokens": 3}}
USAGE_CHUNK = b'data: {"id":"3","choices":[],"usage":{"total_tokens":2}}\n\ndata: [DONE]'
CHUNKS = b'data: {"id":"1"}\n\ndata: {"id":"2"}\n\ndata: [DONE]\n\n'
SSE = {"content-type": "text/event-stream"}


def _sent(route: respx.Route) -> dict[str, Any]:
    return json.loads(route.calls.last.request.content)  # type: ignore[no-any-return]


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
    sent = _sent(route)
    del sent["metadata"]
    assert sent == GOOD | fields


def test_a_call_is_tagged_with_its_component_operation_and_path(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD)
    metadata = _sent(route)["metadata"]
    assert metadata["component"] == "passthrough"
    assert metadata["operation"] == "chat"
    assert metadata["environment"] == "test"
    assert metadata["tags"] == [
        "component:passthrough",
        "operation:chat",
        "routing_path:passthrough",
        "environment:test",
    ]
    assert metadata["spend_logs_metadata"]["component"] == "passthrough"


def test_a_callers_own_metadata_is_kept_where_litellm_does_not_obey_it(
    client: TestClient, litellm: respx.Router
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {"metadata": {"order": "42", "tags": ["team:a"], "status": "failure"}})
    metadata = _sent(route)["metadata"]
    assert metadata["spend_logs_metadata"]["caller_metadata"] == {"order": "42", "status": "failure"}
    assert metadata["tags"][0] == "team:a"
    assert not {"order", "status"} & metadata.keys()


@pytest.mark.parametrize("tag", ["component:evil", " Component:evil", "environment:evil", "operation:evil", 5, None])
def test_a_caller_cannot_use_a_tag_of_ours(client: TestClient, litellm: respx.Router, tag: Any) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {"metadata": {"tags": [tag]}})
    assert len(_sent(route)["metadata"]["tags"]) == 4


def test_a_caller_cannot_pass_for_another_component(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    forged = {"component": "evil", "environment": "evil", "spend_logs_metadata": {"component": "evil"}}
    client.post(PATH, json=GOOD | {"metadata": forged, "litellm_metadata": forged, "tags": ["component:evil"]})
    sent = _sent(route)
    del sent["metadata"]["spend_logs_metadata"]["caller_metadata"]
    assert "evil" not in json.dumps(sent)


@pytest.mark.parametrize(
    "field",
    ["api_key", "api_base", "no-log", "extra_headers", "extra_body", "litellm_session_id", "litellm_call_id", "user_api_key_alias",
     "mock_response"],
)  # fmt: skip
def test_a_caller_cannot_tell_litellm_who_pays_and_what_is_logged(
    client: TestClient, litellm: respx.Router, field: str
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {field: "forged"})
    assert field not in _sent(route)


@pytest.mark.parametrize("field", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_a_caller_tells_litellm_no_more_in_a_fallback(client: TestClient, litellm: respx.Router, field: str) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    target = {
        "model": "gpt-4o",
        "temperature": 0.5,
        "metadata": {"component": "evil"},
        "no-log": True,
        "mock_response": "x",
    }
    client.post(PATH, json=GOOD | {field: ["gpt-4o", target, {"gpt-4o-mini": [target]}]})
    left = {"model": "gpt-4o", "temperature": 0.5}
    assert _sent(route)[field] == ["gpt-4o", left, {"gpt-4o-mini": [left]}]


@pytest.mark.parametrize(
    ("user", "told"), [(None, "token-"), ("u-1", "u-1"), ("Zoë 1%", "Zo%C3%AB%201%25"), ("x" * 999, "x" * 256),
     ("a\r\nb", "a%0D%0Ab")]
)  # fmt: skip
def test_the_end_user_is_the_user_named_or_else_the_caller(
    client: TestClient, litellm: respx.Router, user: str | None, told: str
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | ({"user": user} if user else {}))
    assert route.calls.last.request.headers["x-litellm-end-user-id"].startswith(told)
    assert _sent(route).get("user") == user


def test_a_responses_metadata_reaches_the_provider_without_our_names(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post("/v1/responses").respond(200, json={"id": "resp_1"})
    theirs = {"order": "42", "component": "evil", "tags": ["component:evil"]}
    client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "metadata": theirs})
    sent = _sent(route)
    assert sent["metadata"] == {"order": "42"}
    assert sent["litellm_metadata"]["component"] == "passthrough"
    assert sent["litellm_metadata"]["requester_metadata"]["operation"] == "response"


def test_while_litellm_does_not_tell_the_environment_calls_go_on_without_it(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.get("/key/info").respond(503, json={"error": {"message": "no database"}})
    route = litellm.post(PATH).respond(200, json=ANSWER)
    assert client.post(PATH, json=GOOD).status_code == 200
    assert "environment" not in _sent(route)["metadata"]


def test_litellm_is_asked_for_the_environment_once(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=ANSWER)
    asked = litellm.get("/key/info").respond(200, json={"info": {"metadata": {"environment": "prod"}}})
    for _ in range(3):
        client.post(PATH, json=GOOD)
    assert asked.call_count == 1


def test_the_virtual_key_is_sent_and_the_callers_token_is_not(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD, headers={"cookie": "a=b", "x-api-key": "k", "x-litellm-tags": "component:evil"})
    headers = route.calls.last.request.headers
    assert headers["authorization"] == "Bearer sk-virtual"
    assert not {"cookie", "x-api-key", "x-litellm-tags"} & set(headers)


def test_a_plain_answer_keeps_every_field_and_type(client: TestClient, litellm: respx.Router) -> None:
    content = {"id": "chatcmpl-1", "choices": [], "new": 1.0, "big": 2**70, "text": "é \u2028", "none": None}
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
    assert _sent(route)["stream_options"] == (options or {}) | {"include_usage": True}


def test_a_stream_of_the_responses_api_tells_its_usage_unasked(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post("/v1/responses").respond(200, content=CHUNKS, headers=SSE)
    client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "stream": True})
    assert "stream_options" not in _sent(route)


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


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_an_upstream_error_keeps_its_status_and_message(
    client: TestClient, litellm: respx.Router, status: int, stream: bool
) -> None:
    error = {"message": "litellm.SomeError: why", "type": "some_error", "param": "p", "code": str(status)}
    litellm.post(PATH).respond(status, json={"error": error}, headers={"llm_provider-retry-after": "7"})
    response = client.post(PATH, json=GOOD | {"stream": stream})
    assert response.status_code == status
    assert response.json() == {"error": error | {"code": None}}
    assert response.headers["retry-after"] == "7"


def test_a_failed_call_is_not_repeated(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(500, json={"error": {"message": "no"}})
    client.post(PATH, json=GOOD)
    assert route.call_count == 1


def test_a_refused_key_of_ours_says_who_can_mend_it(client: TestClient, litellm: respx.Router) -> None:
    refusal = {
        "message": "Authentication Error, Invalid proxy server token. Received API Key = sk-virtual",
        "type": "auth_error",
    }
    litellm.post(PATH).respond(401, json={"error": refusal})
    response = client.post(PATH, json=GOOD)
    assert response.status_code == 401
    assert "make litellm_setup" in response.json()["error"]["message"]
    assert response.json()["error"]["code"] == "llm_gateway_key_rejected"
    assert "sk-virtual" not in response.text


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (httpx.ConnectError("refused"), 503, "llm_gateway_unreachable"),
        (httpx.ConnectTimeout("lost"), 503, "llm_gateway_unreachable"),
        (httpx.ReadTimeout("slow"), 504, "llm_gateway_timeout"),
    ],
)
def test_a_litellm_that_does_not_answer(
    client: TestClient, litellm: respx.Router, failure: Exception, status: int, code: str
) -> None:
    litellm.post(PATH).mock(side_effect=failure)
    response = client.post(PATH, json=GOOD)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_an_answer_that_is_no_json_error_still_has_openais_shape(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(502, text="<html>Bad gateway</html>")
    response = client.post(PATH, json=GOOD)
    assert response.status_code == 502
    assert response.json()["error"]["type"] == "server_error"


def test_a_stream_that_starts_with_an_error_has_that_errors_status(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(
        200, content=b'data: {"error": {"message": "slow down", "code": "429"}}\n\n', headers=SSE
    )
    response = client.post(PATH, json=GOOD | {"stream": True})
    assert response.status_code == 429
    assert response.json()["error"]["message"] == "slow down"


def test_a_failure_in_mid_stream_is_an_event_and_not_done(client: TestClient, litellm: respx.Router) -> None:
    boom = b'data: {"error": {"message": "litellm.RateLimitError: boom", "code": "429"}}'
    broken = b'data: {"id":"1"}\n\n' + boom + b"\n\ndata: [DONE]\n\n"
    litellm.post(PATH).respond(200, content=broken, headers=SSE)
    first, error, rest = client.post(PATH, json=GOOD | {"stream": True}).content.split(b"\n\n")
    assert first == b'data: {"id":"1"}'
    told = json.loads(error.removeprefix(b"data: "))["error"]
    assert (told["message"], told["code"]) == ("litellm.RateLimitError: boom", "rate_limit_exceeded")
    assert rest == b""


EVENT = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4}\n\n'
BOOM = b'data: {"error": {"message": "litellm.RateLimitError: boom", "code": "429", "param": "input"}}\n\n'


def test_a_failure_in_a_responses_stream_is_an_error_event_of_its_kind(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.post("/v1/responses").respond(200, content=EVENT + BOOM, headers=SSE)
    response = client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "stream": True})
    name, data = response.content.split(b"\n\n")[1].split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "code": "rate_limit_exceeded",
        "message": "litellm.RateLimitError: boom",
        "param": "input",
        "sequence_number": 5,
    }


def test_openais_sdk_reads_a_failure_in_a_responses_stream(client: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/responses").respond(200, content=EVENT + BOOM, headers=SSE)
    sdk = openai.OpenAI(base_url=f"{client.base_url}/v1", api_key=TOKEN, http_client=client)  # type: ignore[arg-type]
    *_, last = sdk.responses.create(model="gpt-4o", input="hi", stream=True)
    assert isinstance(last, ResponseErrorEvent)
    assert (last.code, last.param, last.sequence_number) == ("rate_limit_exceeded", "input", 5)


@pytest.mark.parametrize("content", [b"", b'data: {"id"'])
def test_a_stream_without_one_whole_event_is_a_502(client: TestClient, litellm: respx.Router, content: bytes) -> None:
    litellm.post(PATH).respond(200, content=content, headers=SSE)
    response = client.post(PATH, json=GOOD | {"stream": True})
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "llm_gateway_stream_broken"


def test_a_stream_that_ends_early_says_so(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, content=b'data: {"id":"1"}\n\n', headers=SSE)
    events = client.post(PATH, json=GOOD | {"stream": True}).content.split(b"\n\n")
    assert json.loads(events[1].removeprefix(b"data: "))["error"]["code"] == "llm_gateway_stream_broken"


def test_ready_means_a_database_and_an_accepted_key(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/health/readiness").respond(200, json={"status": "healthy", "db": "connected"})
    assert client.get("/health/ready").status_code == 200


WELL = httpx.Response(200, json={"status": "healthy", "db": "connected"})
KEY = httpx.Response(200, json={"info": {"status": "active", "metadata": {"environment": "test"}}})
HTML = httpx.Response(200, text="<html>")


@pytest.mark.parametrize(
    ("readiness", "key"),
    [
        (httpx.Response(200, json={"db": "Not connected"}), KEY),
        (httpx.Response(503, json={}), KEY),
        (HTML, KEY),
        (httpx.Response(200, json=[]), KEY),
        (WELL, httpx.Response(401, json={"error": {"message": "bad key"}})),
        (WELL, httpx.Response(503, json={"error": {"message": "no database", "type": "no_db_connection"}})),
        (WELL, httpx.Response(500, json={"error": {"message": "no database"}})),
        (WELL, httpx.Response(200, json={"info": {"status": "deleted"}})),
        (WELL, httpx.Response(200, json=[])),
        (WELL, HTML),
    ],
    ids=[
        *("no database", "not ready", "readiness is no JSON", "readiness is a list", "key refused"),
        *("key cannot be looked up", "key info fails", "key deleted", "key info is a list", "key info is no JSON"),
    ],
)
def test_not_ready_is_a_503_that_says_why(
    client: TestClient, litellm: respx.Router, readiness: httpx.Response, key: httpx.Response
) -> None:
    litellm.get("/health/readiness").mock(return_value=readiness)
    litellm.get("/key/info").mock(return_value=key)
    litellm.get("/v1/models").respond(200, json={"data": []})
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "not_ready"


@pytest.mark.parametrize("status", [403, 404], ids=["may not ask", "has no row"])
@pytest.mark.parametrize(("models", "ready"), [(200, 200), (401, 503)])
def test_a_key_that_litellm_says_nothing_of_is_ready_if_it_may_list_models(
    client: TestClient, litellm: respx.Router, status: int, models: int, ready: int
) -> None:
    litellm.get("/health/readiness").mock(return_value=WELL)
    litellm.get("/key/info").respond(status, json={"detail": "nothing"})
    litellm.get("/v1/models").respond(models, json={"data": []})
    assert client.get("/health/ready").status_code == ready


@pytest.mark.parametrize("path", ["/health/readiness", "/key/info"])
def test_a_litellm_that_hangs_is_not_ready_within_the_checks_own_limit(
    client: TestClient, litellm: respx.Router, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError("was waited for")

    monkeypatch.setattr(llm_gateway, "READY_WITHIN", 0.1)
    litellm.get("/health/readiness").mock(return_value=WELL)
    litellm.get(path).mock(side_effect=hang)
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "not_ready")


def test_who_asks_for_readiness_learns_the_environment_for_the_calls(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/health/readiness").mock(return_value=WELL)
    asked = litellm.get("/key/info").mock(return_value=KEY)
    client.get("/health/ready")
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD)
    assert (_sent(route)["metadata"]["environment"], asked.call_count) == ("test", 1)


def test_alive_does_not_depend_on_litellm(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


DECIDED: dict[str, tuple[int, str, str, tuple[int, str | None]]] = {
    "an upstream time-out": (408, "litellm.Timeout: no answer", "None", (504, "upstream_timeout")),
    "a model that is denied": (
        403,
        "The requested model 'a'b' is not available for this API key, or the model name is invalid.",
        "key_model_access_denied",
        (404, "model_not_found"),
    ),
    "a model that is unknown": (
        400,
        "/chat/completions: Invalid model name passed in model=x/y.z. Call `/v1/models` to view available models.",
        "invalid_request_error",
        (404, "model_not_found"),
    ),
    "a budget": (422, "Budget has been exceeded! Key=key (sk-...abcd)", "budget_exceeded", (429, "insufficient_quota")),
    "no database": (503, "DB not connected", "no_db_connection", (503, None)),
    "a context that is too long": (
        400,
        "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - too long",
        "invalid_request_error",
        (400, "context_length_exceeded"),
    ),
    "content that is not allowed": (
        400,
        "litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - no",
        "invalid_request_error",
        (400, "content_policy_violation"),
    ),
    "too many requests": (
        429,
        "litellm.RateLimitError: RateLimitError: OpenAIException - slow down",
        "throttling_error",
        (429, "rate_limit_exceeded"),
    ),
    "a provider that names an exception": (
        400,
        "litellm.BadRequestError: OpenAIException - RateLimitError: is a word of mine",
        "invalid_request_error",
        (400, None),
    ),
    "the provider's key": (
        401,
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided",
        "authentication_error",
        (401, None),
    ),
}


@pytest.mark.parametrize("what", DECIDED)
@pytest.mark.parametrize("stream", [False, True])
def test_what_a_client_could_not_act_on_becomes_what_it_can(
    client: TestClient, litellm: respx.Router, what: str, stream: bool
) -> None:
    status, message, kind, decided = DECIDED[what]
    error = {"message": message, "type": kind, "param": None, "code": str(status)}
    litellm.post(PATH).respond(status, json={"error": error})
    response = client.post(PATH, json=GOOD | {"stream": stream})
    assert (response.status_code, response.json()["error"]["code"]) == decided
    assert "sk-" not in response.text


@pytest.mark.parametrize("name", ["a'b", "x/y.z"])
def test_a_model_that_is_not_there_is_named(client: TestClient, litellm: respx.Router, name: str) -> None:
    message = f"Invalid model name passed in model={name}. Call `/v1/models` to view available models for your key."
    litellm.post(PATH).respond(400, json={"error": {"message": message}})
    assert f"`{name}`" in client.post(PATH, json=GOOD).json()["error"]["message"]
