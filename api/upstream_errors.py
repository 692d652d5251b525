"""What LiteLLM, or the way to it, failed with → what the client is told. The one boundary where that is decided."""

from typing import Any

import httpx
import openai
from pydantic import ValidationError
from pydantic_core import from_json

from api.errors import (
    AnswerUnusable,
    APIError,
    GatewayKeyRejected,
    UpstreamError,
    UpstreamStreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)

_RETRY_AFTER = ("retry-after", "llm_provider-retry-after")


def mapped(error: Exception) -> Exception:
    """The error as a client sees it; one that is none of LiteLLM's making comes back as it is."""
    match error:
        case openai.APIStatusError():
            return _of_status(error)
        case openai.APITimeoutError() if not _never_answered(error):
            return UpstreamTimeout("LiteLLM did not answer within HTTP_READ_TIMEOUT.")
        case openai.APIConnectionError():
            return UpstreamUnreachable("LiteLLM cannot be reached. Is it running, and is LLM_BASE_URL right?")
        case openai.LengthFinishReasonError() | openai.ContentFilterFinishReasonError() | ValidationError():
            return AnswerUnusable("the answer does not fit its schema")
        case httpx.TimeoutException():
            return UpstreamStreamBroken("LiteLLM fell silent in the middle of its answer.")
        case httpx.HTTPError():
            return UpstreamStreamBroken("The connection to LiteLLM was lost before the answer was complete.")
        case _:
            return error


def error_of_event(data: bytes) -> APIError:
    """The error that LiteLLM sent as an event of a stream: its `code` is the status it would have had as an answer."""
    try:
        error = from_json(data)["error"]
    except (ValueError, KeyError, TypeError):
        return UpstreamStreamBroken("LiteLLM ended its answer with an error that cannot be read.")
    error = error if isinstance(error, dict) else {"message": error}
    code = str(error.get("code"))
    return UpstreamError(int(code) if code.isdigit() and 400 <= int(code) < 600 else 502, error)


def _of_status(error: openai.APIStatusError) -> UpstreamError:
    body = _error_object(error.body, error.response)
    headers = error.response.headers
    retry_after = next((headers[name] for name in _RETRY_AFTER if name in headers), None)
    kept = {} if retry_after is None else {"retry-after": retry_after}
    refused_our_key = error.status_code == 401 and not str(body.get("message", "")).startswith("litellm.")
    return (GatewayKeyRejected if refused_our_key else UpstreamError)(error.status_code, body, headers=kept)


def _error_object(body: object, response: httpx.Response) -> dict[str, Any]:
    """The object under `error`; the SDK has already taken it out of the body where there was one."""
    if isinstance(body, dict):
        return {"message": body.get("detail"), **body}
    return {"message": f"LiteLLM answered {response.status_code} {response.reason_phrase}."}


def _never_answered(error: openai.APITimeoutError) -> bool:
    """httpx-aiohttp reports any lost or refused connection as a connect time-out, which the SDK then calls a time-out."""
    return isinstance(error.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout)
