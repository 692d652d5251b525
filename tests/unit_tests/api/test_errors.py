"""The error tree: drawn whole, rendered in OpenAI's shape, silent about keys."""

import json
import re

import pytest

from api import errors
from api.errors import APIError, GatewayKeyRejected, InvalidRequest, Unauthenticated, UpstreamError, render, summary


def _tree(error: type[APIError]) -> list[type[APIError]]:
    return [error, *(leaf for child in error.__subclasses__() for leaf in _tree(child))]


@pytest.mark.parametrize("error", _tree(APIError), ids=lambda error: error.__name__)
def test_every_error_is_drawn_in_the_tree(error: type[APIError]) -> None:
    assert re.search(rf"\b{error.__name__}\b", errors.__doc__ or "")


@pytest.mark.parametrize(
    "line", [line for line in (errors.__doc__ or "").splitlines() if re.search(r"──.*\b\d{3}\b", line)]
)
def test_the_drawn_status_is_the_real_one(line: str) -> None:
    match = re.search(r"── (\w+) +(\d{3})", line)
    assert match is not None
    name, status = match.groups()
    if name != "GatewayKeyRejected":
        assert getattr(errors, name).status == int(status)


def test_an_error_is_rendered_as_openai_renders_it() -> None:
    response = render(InvalidRequest("Missing required parameter: 'model'.", param="model", code="missing"))
    assert response.status_code == 400
    assert json.loads(bytes(response.body)) == {
        "error": {
            "message": "Missing required parameter: 'model'.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "missing",
        }
    }


def test_a_401_says_how_to_authenticate() -> None:
    assert render(Unauthenticated("no")).headers["www-authenticate"] == "Bearer"


def test_an_upstream_error_keeps_status_message_type_code_and_param() -> None:
    error = UpstreamError(429, {"message": "slow down", "type": "throttling_error", "code": "slow", "param": "model"})
    assert error.status_code == 429
    assert error.body == {"message": "slow down", "type": "throttling_error", "param": "model", "code": "slow"}


@pytest.mark.parametrize("code", ["429", 429, "None", None])
def test_a_code_that_only_repeats_the_status_is_none(code: object) -> None:
    assert UpstreamError(429, {"message": "slow down", "code": code}).body["code"] is None


@pytest.mark.parametrize(
    "secret",
    ["sk-1234567890abcdef", "sk-proj-AbC_12-x", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
)
def test_nothing_that_looks_like_a_key_reaches_a_client(secret: str) -> None:
    assert secret not in UpstreamError(401, {"message": f"Received API Key = {secret}, try again"}).body["message"]


def test_a_refused_key_of_ours_names_the_setting_and_the_mend() -> None:
    message = GatewayKeyRejected(401, {"message": "Authentication Error"}).body["message"]
    assert "LLM_API_KEY" in message
    assert "make litellm_setup" in message
    assert "make up" in message
    assert "make docker_restart" in message


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:4000",
        "http://litellm:4000",
        "http://172.17.0.2:4000",
        "http://user:password@litellm:4000/",
        "https://api.openai.com/v1/chat/completions",
        "http://127.0.0.1:4001/v1",
        "http://demo-provider:4001/v1",
        "http://10.1.2.3:80/",
    ],
)
def test_no_address_of_an_upstream_reaches_a_client(address: str) -> None:
    message = UpstreamError(500, {"message": f"POST {address} failed"}).body["message"]
    assert message == "POST [redacted] failed"


@pytest.mark.parametrize("end", [".", ". Is it up?", ", or not", "; no", ": refused", "!", ")", '"', ""])
@pytest.mark.parametrize("address", ["http://127.0.0.1:4000", "http://litellm:4000", "http://litellm"])
def test_an_address_of_an_upstream_is_found_whatever_follows_it(address: str, end: str) -> None:
    assert (
        UpstreamError(500, {"message": f"No answer from {address}{end}"}).body["message"]
        == f"No answer from [redacted]{end}"
    )


@pytest.mark.parametrize(
    "address", ["https://platform.openai.com/account/api-keys", "https://example.com/cat.png", "https://example.com"]
)
def test_an_address_that_a_client_can_use_is_kept(address: str) -> None:
    assert address in UpstreamError(400, {"message": f"See {address}."}).body["message"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "litellm.APIError: 'choices'\nTraceback (most recent call last):\n  File \"/app/x.py\"",
            "litellm.APIError: 'choices'",
        ),
        ('Traceback (most recent call last):\n  File "/app/x.py"', "LiteLLM failed; its log says how."),
    ],
)
def test_no_traceback_of_litellms_is_told(message: str, told: str) -> None:
    assert UpstreamError(500, {"message": message}).message == told


def test_a_summary_has_class_status_and_code_but_no_message() -> None:
    assert (
        summary(UpstreamError(400, {"message": "no: my prompt", "code": "bad_prompt"}))
        == "UpstreamError 400 bad_prompt"
    )


@pytest.mark.parametrize("error", [UpstreamError(400, {"code": "no: my prompt"}), UpstreamError(400, {})], ids=str)
def test_a_summary_leaves_out_a_code_that_is_none(error: APIError) -> None:
    assert summary(error) == "UpstreamError 400"


def test_a_summary_of_an_unforeseen_error_is_its_class() -> None:
    assert summary(LookupError("my prompt")) == "LookupError"
