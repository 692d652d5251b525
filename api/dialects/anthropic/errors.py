"""An error as Anthropic's clients parse it: a type for each status, which they branch on, and the words, by which they recover."""

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

from api.errors import APIError, UpstreamError
from api.sse import event

# https://docs.anthropic.com/en/api/errors
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES: Final = {kind: status for status, kind in _TYPES.items()}
# The other two are what errors of many statuses are called.
_SURE: Final = {
    kind: status for kind, status in _STATUSES.items() if kind not in ("invalid_request_error", "api_error")
}


def render(error: APIError, request_id: str | None) -> JSONResponse:
    """The error as an answer, with the status that Anthropic gives to what its provider says it is: LiteLLM changes some."""
    status = _SURE.get(error.error_type, error.status_code) if isinstance(error, UpstreamError) else error.status_code
    known_by = error.headers.get("x-request-id") or request_id
    headers = {"request-id": known_by, **error.headers} if known_by else error.headers
    return JSONResponse(_body(error, known_by), status_code=status, headers=headers)


def error_event(error: APIError, request_id: str | None = None) -> bytes:
    """The event that a stream ends with when it fails."""
    return event(_body(error, request_id), name="error")


def status_of(kind: Any) -> int:
    """The status that an error of this type, met in the midst of a stream, would have had as an answer."""
    return _STATUSES.get(kind, HTTPStatus.BAD_GATEWAY) if isinstance(kind, str) else HTTPStatus.BAD_GATEWAY


def type_of(status: int) -> str:
    """The type of an error of which no more is known than its status."""
    if (known := _TYPES.get(status)) is not None:
        return known
    return "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "api_error"


def _body(error: APIError, request_id: str | None) -> dict[str, Any]:
    told = {"type": "error", "error": {"type": _type(error), "message": error.message}}
    return told | ({"request_id": request_id} if request_id else {})


def _type(error: APIError) -> str:
    """The provider's own word where it is one of Anthropic's; the status says the rest."""
    return error.error_type if error.error_type in _SURE else type_of(error.status_code)
