"""The table of errors in docs/contract.md, row by row, on the real LiteLLM."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest

from local_stack.instance import Instance
from tests.integration_tests.contract.conftest import Administration, without_tools
from tests.integration_tests.contract.wire import Wire
from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.processes import free_port
from tests.support.provider import ScriptedProvider

# LiteLLM's own retries would multiply the waiting; they are its business, not this table's.
SCRIPTED = {"message": "said the provider", "type": "some_type", "param": "some_param", "code": "some_code"}


@dataclass(frozen=True)
class Limited:
    """An API of its own, and its virtual key."""

    wire: Wire
    api: RunningAPI
    key: str


def _error(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503])
def test_a_providers_error_keeps_its_status_and_its_message(wire: Wire, status: int, stream: bool) -> None:
    response = wire.ask({"status": status, "error": SCRIPTED}, stream=stream)
    assert response.status_code == status
    assert "said the provider" in _error(response)["message"]


@pytest.mark.parametrize(("field", "value"), [("type", "some_type"), ("param", "some_param")])
def test_a_providers_error_keeps_what_litellm_leaves_of_it(wire: Wire, field: str, value: str) -> None:
    assert _error(wire.ask({"status": 400, "error": SCRIPTED}))[field] == value


NAMED: dict[str, tuple[int, str, str, str | None]] = {
    "a context that is too long": (
        400,
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "context_length_exceeded",
        "context_length_exceeded",
    ),
    "content that is not allowed": (
        400,
        "Your request was rejected as a result of our safety system.",
        "content_policy_violation",
        "content_policy_violation",
    ),
    "too many requests in OpenAI's words": (
        429,
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 3, Used 3.",
        "rate_limit_exceeded",
        "rate_limit_exceeded",
    ),
    "too many requests in other words": (429, "Slow down.", "rate_limit_exceeded", None),
    "a quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "the provider's key": (401, "Incorrect API key provided.", "invalid_api_key", None),
    "a code that LiteLLM drops": (400, "Something else.", "some_code", None),
    "a provider that is overloaded": (503, "Overloaded.", "server_overloaded", None),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("what", NAMED)
def test_a_providers_code_is_told_where_litellm_names_what_happened(wire: Wire, what: str, stream: bool) -> None:
    status, message, said, told = NAMED[what]
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": said}
    response = wire.ask({"status": status, "error": error}, stream=stream)
    assert (response.status_code, _error(response)["code"]) == (status, told)


REQUESTS: dict[str, tuple[str, str | None]] = {
    "chat": ("/chat/completions", None),
    "text": ("/completions", "prompt"),
    "response": ("/responses", "input"),
    "embedding": ("/embeddings", "input"),
}
# LiteLLM keeps the provider's JSON in the messages of these, and drops all but the words of the others.
WITH_JSON = [
    ("chat", "claude-haiku-4-5"),
    ("chat", "gemini-2.5-flash"),
    ("text", "claude-haiku-4-5"),
    ("text", "gemini-2.5-flash"),
    ("response", "gpt-4o"),
    ("response", "claude-haiku-4-5"),
    ("response", "gemini-2.5-flash"),
]
WITHOUT_JSON = [("chat", "gpt-4o"), ("text", "gpt-4o"), ("embedding", "text-embedding-3-small")]


def _refused(wire: Wire, kind: str, model: str, reply: dict[str, Any], *, stream: bool) -> httpx.Response:
    path, field = REQUESTS[kind]
    mark = f"mark-{uuid4().hex}"
    asked: dict[str, Any] = {"messages": None, field: mark} if field else {}
    return wire.ask(reply, path=path, mark=mark, model=model, stream=stream or None, **asked)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("status", [400, 401, 503])
@pytest.mark.parametrize(("kind", "model"), [*WITH_JSON, *WITHOUT_JSON])
def test_an_error_is_told_in_the_providers_words_alone(
    wire: Wire, kind: str, model: str, status: int, stream: bool
) -> None:
    response = _refused(wire, kind, model, {"status": status, "error": SCRIPTED}, stream=stream and kind != "embedding")
    assert (response.status_code, _error(response)["message"]) == (status, "said the provider")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("kind", "model"), WITH_JSON)
def test_type_param_and_code_are_the_providers_where_litellm_keeps_its_json(
    wire: Wire, kind: str, model: str, stream: bool
) -> None:
    assert _error(_refused(wire, kind, model, {"status": 400, "error": SCRIPTED}, stream=stream)) == SCRIPTED


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("kind", "model"), [*WITH_JSON, *WITHOUT_JSON])
def test_a_providers_quota_is_not_to_be_asked_again(wire: Wire, kind: str, model: str, stream: bool) -> None:
    words = "You exceeded your current quota, please check your plan and billing details."
    error = {"message": words, "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    response = _refused(wire, kind, model, {"status": 429, "error": error}, stream=stream and kind != "embedding")
    assert _error(response) == error
    assert response.headers["x-should-retry"] == "false"


HEEDED = {
    "retry-after": "1",
    "retry-after-ms": "1000",
    "x-should-retry": "true",
    "x-ratelimit-remaining-requests": "3",
    "x-request-id": "req_of_the_provider",
    "openai-processing-ms": "12",
}


# Of a text completion LiteLLM hands on the headers of a plain answer alone.
HEADED = [
    *((kind, failed, stream) for kind in ("chat", "response") for failed in (False, True) for stream in (False, True)),
    ("text", False, False),
]


@pytest.mark.parametrize(("kind", "failed", "stream"), HEADED)
def test_the_headers_that_openais_clients_heed_are_handed_on(wire: Wire, kind: str, failed: bool, stream: bool) -> None:
    reply = {"headers": HEEDED} | ({"status": 429, "error": SCRIPTED} if failed else {})
    received = _refused(wire, kind, "gpt-4o", reply, stream=stream).headers
    assert {name: received.get(name) for name in HEEDED} == HEEDED


def test_a_header_of_another_form_is_not_handed_on(wire: Wire) -> None:
    headers = {"retry-after": "soon", "x-should-retry": "perhaps", "x-request-id": "x" * 5_000}
    received = wire.ask({"status": 429, "error": SCRIPTED, "headers": headers}).headers
    assert not {"retry-after", "x-should-retry"} & set(received)
    assert received["x-request-id"].startswith("req_")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5"])
def test_a_previous_response_that_is_not_there_is_the_400_that_openai_gives(
    wire: Wire, model: str, stream: bool
) -> None:
    fields: dict[str, Any] = {"messages": None, "input": "hi", "previous_response_id": "resp_unknown"}
    response = wire.ask(path="/responses", model=model, stream=stream, **fields)
    assert response.status_code == 400
    assert (_error(response)["code"], _error(response)["param"]) == (
        "previous_response_not_found",
        "previous_response_id",
    )


def test_a_response_in_the_background_is_a_400(wire: Wire) -> None:
    response = wire.ask(path="/responses", messages=None, input="hi", background=True)
    assert (response.status_code, _error(response)["param"]) == (400, "background")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/chat/completions/chatcmpl-1"),
        ("DELETE", "/files/f"),
        ("GET", "/conversations/conv_1"),
        ("GET", "/files/f"),
    ],
)
def test_what_is_not_kept_is_a_404_that_says_so(wire: Wire, method: str, path: str) -> None:
    response = wire.client.request(method, path)
    assert response.status_code == 404
    assert "keeps nothing" in _error(response)["message"]


def test_a_parameter_that_litellm_refuses_is_named(wire: Wire) -> None:
    error = _error(wire.ask(model="o3", parallel_tool_calls=False))
    assert (error["param"], error["code"]) == ("parallel_tool_calls", "unsupported_parameter")
    assert "litellm" not in error["message"].lower()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_upstream_time_out_is_a_504_of_the_server(wire: Wire, stream: bool) -> None:
    response = wire.ask({"status": 408, "error": SCRIPTED}, stream=stream)
    assert response.status_code == 504
    assert (_error(response)["type"], _error(response)["code"]) == ("server_error", "upstream_timeout")


def test_an_unknown_model_is_the_404_that_openai_gives(wire: Wire) -> None:
    response = wire.ask(model="no-such-model")
    assert response.status_code == 404
    assert _error(response) == {
        "message": "The model `no-such-model` does not exist or you do not have access to it. "
        "GET /v1/models lists those you have.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


@pytest.fixture
def limited(
    stack: Instance, directory: Path, provider: ScriptedProvider, administration: Administration
) -> Iterator[Callable[..., Limited]]:
    """An API whose own virtual key has these limits."""
    with ExitStack() as resources:

        def start(**limits: Any) -> Limited:
            key = administration.mint(**limits)
            settings = {"MCP_CONFIG_PATH": str(without_tools(directory))}
            api = resources.enter_context(
                running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings)
            )
            client = httpx.Client(base_url=api.base_url, headers=api.headers, trust_env=False, timeout=60)
            return Limited(Wire(resources.enter_context(client), provider), api, key)

        yield start


def test_a_model_that_the_key_may_not_use_is_that_404_too(limited: Callable[..., Limited]) -> None:
    response = limited(models=["gpt-4o-mini"]).wire.ask(model="gpt-4o")
    assert (response.status_code, _error(response)["code"]) == (404, "model_not_found")
    assert (_error(response)["param"], "`gpt-4o`" in _error(response)["message"]) == ("model", True)


def test_a_used_up_budget_is_a_429_that_openais_sdk_does_not_retry(
    limited: Callable[..., Limited], provider: ScriptedProvider, mark: str
) -> None:
    poor = limited(max_budget=0.0)
    response = poor.wire.ask(mark=mark)
    assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
    assert (_error(response)["type"], _error(response)["code"]) == ("insufficient_quota", "insufficient_quota")
    client = openai.OpenAI(base_url=poor.api.base_url, api_key=TOKEN, http_client=httpx.Client(trust_env=False))
    with client, pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": mark}])
    assert "x-stainless-retry-count" in refused.value.request.headers
    assert refused.value.request.headers["x-stainless-retry-count"] == "0"
    assert provider.requests(contains=mark) == []


def test_a_key_of_ours_that_litellm_refuses_is_a_401_with_the_mend(
    limited: Callable[..., Limited], administration: Administration
) -> None:
    refused = limited()
    administration.delete(refused.key)
    response = refused.wire.ask()
    assert response.status_code == 401
    assert "make litellm_setup" in _error(response)["message"]
    assert refused.key not in response.text


def test_a_providers_401_is_not_blamed_on_our_key(wire: Wire) -> None:
    response = wire.ask({"status": 401, "error": SCRIPTED})
    assert "LLM_API_KEY" not in _error(response)["message"]


def test_retry_after_and_rate_limits_of_the_provider_come_with_its_error(wire: Wire) -> None:
    headers = {"retry-after": "1", "x-ratelimit-remaining-requests": "3", "x-request-id": "req_of_the_provider"}
    received = wire.ask({"status": 429, "error": SCRIPTED, "headers": headers}).headers
    assert {name: received[name] for name in headers} == headers


@pytest.mark.parametrize("reply", [{}, {"status": 400, "error": SCRIPTED}], ids=["answer", "error"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_no_upstream_url_cookie_or_raw_provider_header_comes_along(
    wire: Wire, reply: dict[str, Any], stream: bool
) -> None:
    cookies = {"set-cookie": "a=b", "openai-organization": "their-organization"}
    response = wire.ask({**reply, "headers": cookies}, stream=stream)
    names = set(response.headers)
    assert "x-litellm-call-id" in names
    assert not {name for name in names if name.startswith("llm_provider") or "api-base" in name or "cookie" in name}
    assert "their-organization" not in response.headers.values()


def test_model_and_cost_of_a_plain_answer_are_in_its_headers(wire: Wire) -> None:
    headers = wire.ask().headers
    assert headers["x-litellm-model-group"] == "gpt-4o"
    assert float(headers["x-litellm-response-cost"]) > 0


def test_the_providers_request_id_is_the_answers(wire: Wire) -> None:
    assert wire.ask({"headers": {"x-request-id": "req_p"}}).headers["x-request-id"] == "req_p"


REFUSED_HERE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "unknown path": ("GET", "/nothing", {}),
    "wrong method": ("GET", "/chat/completions", {}),
    "broken body": ("POST", "/chat/completions", {"content": b"{", "headers": {"content-type": "application/json"}}),
    "no token": ("GET", "/models", {"headers": {"authorization": ""}}),
    "success": ("GET", "/models", {}),
}


@pytest.mark.parametrize("what", REFUSED_HERE)
def test_every_answer_has_a_request_id_of_its_own(wire: Wire, what: str) -> None:
    method, path, options = REFUSED_HERE[what]
    ids = {wire.client.request(method, path, **options).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2


def test_litellms_unreachable_provider_is_an_error_without_its_address(wire: Wire, stack: Instance) -> None:
    response = wire.ask({"chunks": ["a"], "fail_after_chunks": 0, "fail": "drop"})
    assert response.status_code == 502
    assert str(stack.ports.demo_provider) not in response.text


def test_an_error_in_mid_stream_has_the_same_shape(wire: Wire) -> None:
    response = wire.ask({"chunks": ["a", "b"], "fail_after_chunks": 1, "error": SCRIPTED}, stream=True)
    last = [line for line in response.text.splitlines() if line][-1]
    assert response.status_code == 200
    assert set(json.loads(last.removeprefix("data: "))["error"]) == {"message", "type", "param", "code"}


def test_a_litellm_that_is_down_is_a_503(directory: Path, provider: ScriptedProvider) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    with running_api(directory, llm_base_url=closed, MCP_CONFIG_PATH=str(without_tools(directory))) as api:
        response = httpx.get(f"{api.base_url}/models", headers=api.headers, trust_env=False)
    assert (response.status_code, _error(response)["code"]) == (503, "llm_gateway_unreachable")
