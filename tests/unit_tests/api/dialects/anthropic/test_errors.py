"""Errors in Anthropic's form: a type by which clients branch, a status that fits it, the words as they were."""

import json

import pytest

from api.dialects.anthropic.errors import error_event, render, status_of
from api.errors import APIError, InsufficientQuota, InternalError, InvalidRequest, UpstreamError

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def _said(error: APIError, request_id: str | None = "req_ours") -> tuple[int, dict[str, object]]:
    answer = render(error, request_id)
    return answer.status_code, json.loads(bytes(answer.body))


@pytest.mark.parametrize(("status", "kind"), TYPES.items())
def test_the_type_is_that_of_the_status(status: int, kind: str) -> None:
    error = UpstreamError(status, {"message": "said the provider", "type": "some_type"})
    told = {"type": "error", "error": {"type": kind, "message": "said the provider"}, "request_id": "req_ours"}
    assert _said(error) == (status, told)


@pytest.mark.parametrize(
    ("changed", "kind", "status"), [(500, "overloaded_error", 529), (400, "request_too_large", 413)]
)
def test_the_providers_type_gives_the_status_back_that_litellm_changed(changed: int, kind: str, status: int) -> None:
    answered, told = _said(UpstreamError(changed, {"message": "m", "type": kind}))
    assert (answered, told["error"]) == (status, {"type": kind, "message": "m"})


def test_an_error_of_our_own_keeps_its_status() -> None:
    assert [_said(error)[0] for error in (InvalidRequest("m"), InsufficientQuota("m"), InternalError("m"))] == [
        400,
        429,
        500,
    ]


def test_the_request_id_is_the_providers_where_it_gave_one() -> None:
    answer = render(UpstreamError(400, {"message": "m"}, headers={"x-request-id": "req_theirs"}), "req_ours")
    assert json.loads(bytes(answer.body))["request_id"] == answer.headers["request-id"] == "req_theirs"


def test_an_error_without_an_id_has_none() -> None:
    assert "request_id" not in _said(InvalidRequest("m"), None)[1]


def test_a_stream_ends_with_an_error_by_its_name() -> None:
    told = error_event(UpstreamError(529, {"message": "Overloaded", "type": "overloaded_error"}))
    assert (
        told == b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    )


@pytest.mark.parametrize(
    ("kind", "status"), [("overloaded_error", 529), ("not_found_error", 404), ("x", 502), (None, 502), ([], 502)]
)
def test_an_error_in_a_stream_has_the_status_of_its_type(kind: object, status: int) -> None:
    assert status_of(kind) == status
