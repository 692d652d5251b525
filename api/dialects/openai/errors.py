"""An error as OpenAI's clients parse it."""

from starlette.responses import JSONResponse
from typing_extensions import TypedDict

from api.errors import APIError


class ErrorBody(TypedDict):
    """The object under `error`, as OpenAI's clients parse it."""

    message: str
    type: str
    param: str | None
    code: str | None


def error_body(error: APIError) -> ErrorBody:
    """The object under `error`."""
    return {"message": error.message, "type": error.error_type, "param": error.param, "code": error.error_code}


def render(error: APIError) -> JSONResponse:
    """The one place where an error becomes an answer."""
    return JSONResponse({"error": error_body(error)}, status_code=error.status_code, headers=error.headers)
