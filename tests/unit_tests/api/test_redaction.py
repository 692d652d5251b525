"""What an upstream said reaches a client without keys, addresses and tracebacks."""

import pytest

from api.errors import UpstreamError
from api.redaction import redact
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    "secret",
    ["sk-1234567890abcdef", "sk-proj-AbC_12-x", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
     "gsk_AbC123dEf456gHi789", "xoxb-1234-5678-AbCdEf", "xoxp-1234-5678-AbCdEf", "xapp-1-A1-2-abc", "r8_AbC123dEf456gHi789",
     "hf_AbCdEfGhIjKl", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "ghp_AbC123dEf456gHi789", "github_pat_11ABC_def456",
     "glpat-AbC123dEf456", "nvapi-AbC123dEf456", "pplx-AbC123dEf456", "xai-AbC123dEf456", "csk-AbC123dEf456", "fw_AbC123dEf456",
     "tgp_v1_AbC123dEf456", "ya29.a0AbC123dEf456", "npm_AbC123dEf456", "sk_live_AbC123dEf456", "gsk_AbC***********xyz",
     "AIzaSyA-1234567890abcdefghijkl", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP", "eyJhbGciOiJIUzI1NiJ9"],
)  # fmt: skip
def test_nothing_that_looks_like_a_key_reaches_a_client(secret: str) -> None:
    assert secret not in UpstreamError(401, {"message": f"Received API Key = {secret}, try again"}).message


@pytest.mark.parametrize(
    "said",
    ["Incorrect API key provided: 0a1b2c3d4e5f.", "invalid api_key=0a1b2c3d4e5f", 'rejected {"api-key": "0a1b2c3d4e5f"}',
     "the access token: 0a1b2c3d4e5f is over", "Authorization: Bearer 0a1b2c3d4e5f", "Authorization: Basic 0a1b2c3d4e5f=="],
)  # fmt: skip
def test_a_key_without_a_form_of_its_own_is_known_by_what_stands_before_it(said: str) -> None:
    told = UpstreamError(401, {"message": said}).message
    assert "0a1b2c3d4e5f" not in told
    assert "[redacted]" in told


@pytest.mark.parametrize(
    "said",
    ["Your API key is invalid: see https://platform.openai.com/account/api-keys.", "max_tokens: 4096 is above gpt-4o-2024-08-06's",
     "Unknown field 'hf_home', 'fw_', 'r8_x', 'xai-model'", "The token count 1234567890 is above 128000", "key: expected a string",
     "AKIA is no region", "eyJ is no JSON", "Invalid 'api_key': expected a string"],
)  # fmt: skip
def test_words_that_are_no_key_stay(said: str) -> None:
    assert UpstreamError(400, {"message": said}).message == said


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
    message = UpstreamError(500, {"message": f"POST {address} failed"}).message
    assert message == "POST [redacted] failed"


@pytest.mark.parametrize("end", [".", ". Is it up?", ", or not", "; no", ": refused", "!", ")", '"', ""])
@pytest.mark.parametrize("address", ["http://127.0.0.1:4000", "http://litellm:4000", "http://litellm"])
def test_an_address_of_an_upstream_is_found_whatever_follows_it(address: str, end: str) -> None:
    assert (
        UpstreamError(500, {"message": f"No answer from {address}{end}"}).message == f"No answer from [redacted]{end}"
    )


@pytest.mark.parametrize(
    "address", ["https://platform.openai.com/account/api-keys", "https://example.com/cat.png", "https://example.com"]
)
def test_an_address_that_a_client_can_use_is_kept(address: str) -> None:
    assert address in UpstreamError(400, {"message": f"See {address}."}).message


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


@pytest.mark.parametrize(
    "quoted",
    [
        "http://",
        "http://a/",
        "https://a.example/b",
        "http://a:b@",
        "sk-",
        "Bearer ",
        "api_base= ",
        "connect to host ",
        "0a",
        "api_key=",
        "eyJabcdefgh.",
    ],
)
def test_what_a_message_quotes_takes_time_in_proportion_to_its_length(quoted: str) -> None:
    assert_linear(redact, lambda size: quoted * size)
