"""What a client is told when LiteLLM, or a provider behind it, fails: before an answer, and in the midst of it."""

import json

import httpx
import openai
import pytest
import respx
from openai.types.responses import ResponseErrorEvent
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import SSE, TOKEN
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_an_upstream_error_keeps_its_status_and_message(
    client: TestClient, litellm: respx.Router, status: int, stream: bool
) -> None:
    error = {"message": "why", "type": "some_error", "param": "p", "code": str(status)}
    wrapped = error | {"message": "litellm.SomeError: SomeError: OpenAIException - why"}
    litellm.post(PATH).respond(status, json={"error": wrapped}, headers={"llm_provider-retry-after": "7"})
    response = client.post(PATH, json=GOOD | {"stream": stream})
    assert response.status_code == status
    assert response.json() == {"error": error | {"code": None}}
    assert response.headers["retry-after"] == "7"


IN_A_LINE = '\nllm_provider_headers: {"retry-after": "7", "request-id": "req_1", "set-cookie": "a=b", "x-should-retry": "maybe"}'


def test_headers_that_stand_in_the_message_are_headers_again(client: TestClient, litellm: respx.Router) -> None:
    """As config/litellm_plugin.py puts them there; a value that a client would not understand is left out."""
    litellm.post("/v1/messages").respond(429, json={"error": {"message": f"litellm.RateLimitError: no{IN_A_LINE}"}})
    response = client.post("/v1/messages", json=GOOD | {"max_tokens": 5})
    assert response.json()["error"]["message"] == "no"
    told = {name: response.headers.get(name) for name in ("retry-after", "request-id", "set-cookie", "x-should-retry")}
    assert told == {"retry-after": "7", "request-id": "req_1", "set-cookie": None, "x-should-retry": None}


@pytest.mark.parametrize("line", ["", "{", "[1]", "null", "7"])
def test_a_line_that_holds_no_headers_is_part_of_the_message(
    client: TestClient, litellm: respx.Router, line: str
) -> None:
    litellm.post(PATH).respond(400, json={"error": {"message": f"no\nllm_provider_headers: {line}"}})
    assert client.post(PATH, json=GOOD).json()["error"]["message"] == f"no\nllm_provider_headers: {line}".strip()


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


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("said", "param"),
    [
        ("Rejected Request: input_cost_per_token is not allowed in request body. Clientside", "input_cost_per_token"),
        ("Rejected Request: anthropic-workspace-id is not allowed in request body.", "anthropic-workspace-id"),
        ("Rejected Request: wandb_api_key is not allowed in request body.", "wandb_api_key"),
        ("Rejected Request: fallback nesting exceeds the allowed validation depth.", None),
    ],
)  # fmt: skip
def test_a_field_that_litellm_refuses_is_blamed_on_no_key(
    client: TestClient, litellm: respx.Router, status: int, said: str, param: str | None
) -> None:
    refusal = {"message": f"Authentication Error, {said}", "type": "auth_error", "param": "None", "code": str(status)}
    litellm.post(PATH).respond(status, json={"error": refusal})
    response = client.post(PATH, json=GOOD)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, "unsupported_parameter")
    assert "LLM_API_KEY" not in error["message"]


def test_a_value_over_which_litellm_stumbles_before_it_knows_the_key_is_a_400(
    client: TestClient, litellm: respx.Router
) -> None:
    refusal = {"message": "Authentication Error, 'int' object is not iterable", "type": "auth_error", "code": "401"}
    litellm.post(PATH).respond(401, json={"error": refusal})
    response = client.post(PATH, json=GOOD)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


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
    boom = b'data: {"error": {"message": "litellm.ContextWindowExceededError: boom", "code": "400"}}'
    broken = b'data: {"id":"1"}\n\n' + boom + b"\n\ndata: [DONE]\n\n"
    litellm.post(PATH).respond(200, content=broken, headers=SSE)
    first, error, rest = client.post(PATH, json=GOOD | {"stream": True}).content.split(b"\n\n")
    assert first == b'data: {"id":"1"}'
    told = json.loads(error.removeprefix(b"data: "))["error"]
    assert (told["message"], told["code"]) == ("boom", "context_length_exceeded")
    assert rest == b""


EVENT = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4}\n\n'
BOOM = b'data: {"error": {"message": "litellm.ContextWindowExceededError: boom", "code": "400", "param": "input"}}\n\n'


def test_a_failure_in_a_responses_stream_is_an_error_event_of_its_kind(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.post("/v1/responses").respond(200, content=EVENT + BOOM, headers=SSE)
    response = client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "stream": True})
    name, data = response.content.split(b"\n\n")[1].split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "code": "context_length_exceeded",
        "message": "boom",
        "param": "input",
        "sequence_number": 1,
    }


def test_openais_sdk_reads_a_failure_in_a_responses_stream(client: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/responses").respond(200, content=EVENT + BOOM, headers=SSE)
    sdk = openai.OpenAI(base_url=f"{client.base_url}/v1", api_key=TOKEN, http_client=client)  # type: ignore[arg-type]
    *_, last = sdk.responses.create(model="gpt-4o", input="hi", stream=True)
    assert isinstance(last, ResponseErrorEvent)
    assert (last.code, last.param, last.sequence_number) == ("context_length_exceeded", "input", 1)


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
    "too many requests, of which nobody says more": (
        429,
        "litellm.RateLimitError: RateLimitError: OpenAIException - slow down",
        "throttling_error",
        (429, None),
    ),
    "too many requests in OpenAI's words": (
        429,
        "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o on requests per min (RPM)",
        "throttling_error",
        (429, "rate_limit_exceeded"),
    ),
    "a quota in OpenAI's words": (
        429,
        "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan.",
        "throttling_error",
        (429, "insufficient_quota"),
    ),
    "a response that is not there": (
        403,
        "Forbidden. This response id was not issued by this proxy, so the proxy cannot tell who owns it. To let keys",
        "permission_error",
        (400, "previous_response_not_found"),
    ),
    "another's response": (
        403,
        "Forbidden. The response id is not associated with the user, who this key belongs to. To disable this",
        "permission_error",
        (400, "previous_response_not_found"),
    ),
    "a provider that is not reached": (
        500,
        "litellm.APIConnectionError: APIConnectionError: OpenAIException - Connection error.",
        "None",
        (502, None),
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
