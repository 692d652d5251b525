"""Whatever LiteLLM fails with: an error that can be told."""

import json
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.openai import error_event, render
from api.errors import APIError
from api.llm.upstream_errors import error_of_event, mapped
from tests.support.growth import assert_linear
from tests.support.properties import any_json

# As the SDK parses an answer: half a character is possible in a text of JSON.
TEXT = st.sampled_from(["\ud83d", "litellm.RateLimitError: ", "Traceback (most recent call last)"])
JSON = any_json(texts=TEXT)
ERRORS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("message", "type", "param", "code", "detail"), JSON)
    | {"message": TEXT, "type": st.sampled_from(["budget_exceeded", "key_model_access_denied", "auth_error", None])},
)
STATUSES = st.integers(400, 599)


def _failed(status: int, body: object) -> openai.APIStatusError:
    response = httpx.Response(status, request=httpx.Request("POST", "http://litellm.test"))
    return openai.APIStatusError("failed", response=response, body=body)


def _checked(error: Exception) -> None:
    assert isinstance(error, APIError)
    assert 400 <= error.status_code < 600
    told = json.loads(bytes(render(error).body))["error"]
    assert isinstance(told["message"], str)
    assert told["message"]
    assert error_event(error).endswith(b"\n\n")


@given(status=STATUSES, body=ERRORS | JSON)
def test_any_error_of_litellms_can_be_told(status: int, body: Any) -> None:
    _checked(mapped(_failed(status, body)))


@given((ERRORS | JSON).map(lambda error: json.dumps({"error": error}).encode()) | st.binary())
def test_any_error_in_a_stream_can_be_told(data: bytes) -> None:
    _checked(error_of_event(data))


@pytest.mark.parametrize(
    "quoted",
    [
        "requested model '",
        "Invalid model name passed in model=",
        "litellm.",
        "litellm.A: ",
        "http://",
        "'",
        ". Call ",
        "a: ",
    ],
)
@pytest.mark.parametrize("begins", ["litellm.BadRequestError: ", "Invalid model name passed in model="])
def test_what_an_error_quotes_takes_time_in_proportion_to_its_length(begins: str, quoted: str) -> None:
    def work(error: Exception) -> object:
        return mapped(error)

    assert_linear(work, lambda size: _failed(400, {"message": begins + quoted * size}))
