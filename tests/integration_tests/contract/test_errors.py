"""The table of errors in docs/contract.md, row by row, on the real LiteLLM."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    "too many requests": (429, "Rate limit reached.", "rate_limit_exceeded", "rate_limit_exceeded"),
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
    headers = {"retry-after": "7", "x-ratelimit-remaining-requests": "3", "x-request-id": "req_of_the_provider"}
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
    assert response.status_code == 500
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
