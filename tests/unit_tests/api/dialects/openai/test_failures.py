"""What a provider says of its own failure."""

from typing import Any

import pytest

from api.dialects.openai.failures import provider_error, raise_failure, raise_if_empty
from api.errors import APIError, InsufficientQuota, NothingAnswered, UpstreamError

QUOTAS: list[dict[str, Any]] = [
    {"code": "insufficient_quota"},
    {"type": "insufficient_quota", "code": None},
    {"code": "billing_hard_limit_reached"},
    {"message": "You exceeded your current quota, please check your plan and billing details.", "code": "429"},
]


@pytest.mark.parametrize("error", QUOTAS, ids=repr)
def test_a_used_up_quota_is_not_to_be_asked_again(error: dict[str, Any]) -> None:
    failure = provider_error(429, error)
    assert isinstance(failure, InsufficientQuota)
    assert failure.headers["x-should-retry"] == "false"
    assert failure.error_code == (
        error.get("code") if str(error.get("code")).startswith("billing") else "insufficient_quota"
    )


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        ({"code": "rate_limit_exceeded", "message": "Check your plan and billing details."}, {}),
        ({"message": "You exceeded your current quota, please retry."}, {"retry-after": "7"}),
        ({"message": "slow down"}, {}),
    ],
)
def test_a_rate_is(error: dict[str, Any], headers: dict[str, str]) -> None:
    failure = provider_error(429, error, headers)
    assert (type(failure), "x-should-retry" in failure.headers) == (UpstreamError, False)


def _answer(**choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "stop", **choice}]}


FAILED: dict[str, tuple[dict[str, Any], int, str]] = {
    "an error in a choice": (_answer(error={"code": 502, "message": "gone"}), 502, "gone"),
    "an error where LiteLLM puts it": (
        _answer(provider_specific_fields={"error": {"code": 503, "message": "gone"}}),
        503,
        "gone",
    ),
    "an error that is a text": ({**_answer(), "error": "gone"}, 502, "gone"),
    "an error with a code that is no status": (_answer(error={"code": "x", "message": "gone"}), 502, "gone"),
    "an end by error": (_answer(finish_reason="error"), 502, "without saying which"),
    "an end by error where LiteLLM puts it": (
        _answer(provider_specific_fields={"native_finish_reason": "error"}),
        502,
        "without saying which",
    ),
    "a time-out": (_answer(error={"code": 408, "message": "slow"}), 504, "in time"),
}


@pytest.mark.parametrize("what", FAILED)
def test_a_failure_in_an_answer_with_200_is_an_error(what: str) -> None:
    answer, status, said = FAILED[what]
    with pytest.raises(APIError, match=said) as failed:
        raise_failure(answer)
    assert failed.value.status_code == status


@pytest.mark.parametrize(
    "answer", [_answer(), _answer(provider_specific_fields={}), {"error": None, "choices": []}, [], "text", None]
)
def test_anything_else_is_none(answer: Any) -> None:
    raise_failure(answer)


def test_an_answer_without_a_choice_is_an_error() -> None:
    with pytest.raises(NothingAnswered):
        raise_if_empty({"choices": []})


def test_an_answer_without_a_text_is_an_answer() -> None:
    raise_if_empty(_answer())
