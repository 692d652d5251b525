"""Whatever a handler raises → the one shape that clients know."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from api.edge.rendering import render, speaks_anthropic
from api.errors import (
    APIError,
    ClientDisconnected,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    UpstreamError,
)

_log = logging.getLogger(__name__)

# Where OpenAI keeps what was created, to be fetched, listed or deleted.
_KEPT_ELSEWHERE = tuple(
    f"/v1/{kept}" for kept in ("chat/completions/", "conversations", "files", "vector_stores", "assistants", "threads")
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_BASE_URL = {False: "Is the base URL right? It ends in /v1.", True: "Is the base URL right? It ends before /v1."}
_NOT_KEPT = "This server answers and keeps nothing: no conversations, completions or files that could be looked up."


def install(app: FastAPI) -> None:
    """Every way in which a request can fail leads to `render`."""
    app.add_exception_handler(APIError, _api_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(ClientDisconnected, _disconnected)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, unexpected)


async def answer_of(request: Request, error: Exception) -> Response | None:
    """The answer to a request that failed so; None if nobody foresaw it, which the server as a whole is to be told."""
    match error:
        case APIError():
            return await _api_error(request, error)
        case HTTPException():
            return await _http_exception(request, error)
        case ClientDisconnected() | ClientDisconnect():
            return await _disconnected(request, error)
        case _:
            return None


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, APIError)  # noqa: S101 - registered for nothing else
    error.headers |= _decision(request)
    return render(error, request.scope)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    path = request.url.path
    if error.status_code == HTTPStatus.NOT_FOUND:
        why = _NOT_KEPT if path.startswith(_KEPT_ELSEWHERE) else _BASE_URL[speaks_anthropic(request.scope)]
        return render(NotFound(f"There is no {request.method} {path}. {why}"), request.scope)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"{request.method} is not possible on {path}."
        return render(MethodNotAllowed(message, headers={"allow": ", ".join(_possible(request))}), request.scope)
    return render(UpstreamError(error.status_code, {"message": error.detail}, headers=error.headers), request.scope)


def _possible(request: Request) -> list[str]:
    """The methods of all routes that the path has; what can be got can be asked for its head."""
    routes = request.app.routes
    found = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ["GET", "HEAD", *found[1:]] if found[:1] == ["GET"] else found


async def _invalid_request(request: Request, error: Exception) -> Response:
    """A parameter that FastAPI itself checks; bodies are checked in `request_body`."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    fault = error.errors()[0]
    # The first part says only whether it is of the path or the query.
    param = ".".join(map(str, fault["loc"][1:] or fault["loc"]))
    return render(
        InvalidRequest(f"Invalid value for '{param}': {fault['msg']}.", param=param, code="invalid_value"),
        request.scope,
    )


async def _disconnected(_request: Request, _error: Exception) -> Response:
    """Starlette wants an answer even when nobody reads it; 499 is what servers log for a client that closed its request."""
    return Response(status_code=499)


async def unexpected(request: Request, error: Exception) -> Response:
    """The answer to a failure of this server's own, which is logged."""
    identifier = getattr(request.state, "request_id", "unknown")
    _log.error("Request %s failed in this server", identifier, exc_info=error)
    message = f"The server failed to answer; its log says why, under request {identifier}."
    return render(InternalError(message, headers=_decision(request)), request.scope)


def _decision(request: Request) -> dict[str, str]:
    """Who was to answer; nothing if the error came before that was decided."""
    return getattr(request.state, "decision_headers", {})
