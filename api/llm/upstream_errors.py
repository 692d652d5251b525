"""What LiteLLM, or the way to it, failed with → what the client is told. The one boundary where that is decided."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
import openai
from pydantic import ValidationError
from pydantic_core import from_json

from api.dialects.openai import provider_error
from api.errors import (
    AnswerUnusable,
    APIError,
    GatewayKeyRejected,
    InsufficientQuota,
    InvalidRequest,
    ModelNotFound,
    PreviousResponseNotFound,
    ResponsesNotKept,
    UpstreamStreamBroken,
)
from api.llm.litellm_transport import late, unreachable
from api.llm.upstream_headers import handed_on, of_a_message
from api.llm.upstream_words import in_callers_words

# LiteLLM's own words, since it gives these errors no code of their own.
_UNKNOWN_MODEL = re.compile(r"Invalid model name passed in model=")
# Only the first of each in a line is looked at: the name is the caller's, who can repeat these words in it.
_MODEL_NAMED = re.compile(
    r"^(?>.*?requested model ')(.*)' is not available|^(?>.*?Invalid model name passed in model=)(.*)\. Call ",
    re.MULTILINE,
)
_OF_THE_PROVIDER = "litellm."
# What LiteLLM calls it when the provider is not reached, breaks off, or says in the midst of an answer that it failed.
_PROVIDER_FAILED = "litellm.APIConnectionError: "
_UNKNOWN_RESPONSE = re.compile(r"Forbidden\. (?:This|The) response id (?:was not issued by|is not associated with) ")
_NOT_KEPT = re.compile(
    r"(?:GET responses|DELETE responses|CANCEL responses|list_input_items) is not supported for (\w+)"
)
# LiteLLM refuses fields, and stumbles over values, before it has let the key in: by a 401 as well, but without a word of a key.
_REFUSED_FIELD = re.compile(r"Rejected Request: (?:([\w.\-]+) is not allowed)?")
# Over a part of a kind that it does not know it stumbles as over an error of its own.
_UNKNOWN_PART = re.compile(r"Invalid user message at index \d{1,6}\. Please ensure all user messages are valid OpenAI")
_OF_A_KEY = re.compile(r"\b(?:api_?keys?|keys?|tokens?)\b", re.IGNORECASE)
# LiteLLM begins the message with the names of its exceptions, the provider's own words after them, and drops the provider's code.
_NAMES = re.compile(r"(?:(?:litellm\.)?\w+: )+")
_REQUEST_ID = re.compile(r"[\w\-]{1,128}")
_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}
# OpenAI says this with its `rate_limit_exceeded` and with no other code.
_OPENAIS_RATE_LIMIT = re.compile(r"Rate limit reached for \S{1,200} .{0,200}\bper (?:min|day)\b")


def mapped(error: Exception) -> Exception:
    """The error as a client sees it; one that is none of LiteLLM's making comes back as it is."""
    match error:
        case openai.APIStatusError():
            return _of_status(error)
        case openai.APITimeoutError() if not _never_answered(error):
            return late()
        case openai.APIConnectionError():
            return unreachable()
        case openai.LengthFinishReasonError():
            return AnswerUnusable("the answer was cut off at its length limit")
        case openai.ContentFilterFinishReasonError():
            return AnswerUnusable("the provider's content filter held the answer back")
        case ValidationError():
            return AnswerUnusable("the answer does not fit its schema")
        case _:
            return error


def error_of_answer(status: int, headers: Mapping[str, str], content: bytes) -> APIError:
    """The error that LiteLLM answered with."""
    try:
        body = from_json(content)
    except ValueError:
        body = None
    said = body.get("error", body) if isinstance(body, dict) else None
    error = {"message": body.get("detail"), **said} if isinstance(body, dict) and isinstance(said, dict) else None
    return _decided(status, error or {"message": _nameless(status)}, handed_on(headers))


def error_of_event(data: bytes) -> APIError:
    """The error that LiteLLM sent as an event of a stream: its `code` is the status it would have had as an answer."""
    try:
        error = from_json(data)["error"]
    except (ValueError, KeyError, TypeError):
        return UpstreamStreamBroken("The answer ended with an error that cannot be read.")
    error = error if isinstance(error, dict) else {"message": error}
    code = str(error.get("code"))
    return _decided(int(code) if code.isdigit() and 400 <= int(code) < 600 else 502, error, {})


def is_context_overflow(error: APIError) -> bool:
    """Was the request longer than the model's context?"""
    return error.error_code == "context_length_exceeded"


def _of_status(error: openai.APIStatusError) -> APIError:
    return _decided(error.status_code, _error_object(error.body, error.response), handed_on(error.response.headers))


def _decided(status: int, error: Mapping[str, Any], headers: Mapping[str, str]) -> APIError:
    """docs/contract.md holds this as a table: an error that an OpenAI client could not act on becomes one that it can."""
    message, said_in_it = of_a_message(str(error.get("message") or ""))
    error, kind = {**error, "message": message}, str(error.get("type"))
    headers = {**handed_on(said_in_it), **headers}
    if kind.endswith("_model_access_denied") or _UNKNOWN_MODEL.search(message):
        named = _MODEL_NAMED.search(message)
        return ModelNotFound(named[1] or named[2] if named else "", headers=headers)
    if kind == "budget_exceeded":
        return InsufficientQuota(message, headers=headers)
    if status == HTTPStatus.FORBIDDEN and _UNKNOWN_RESPONSE.search(message):
        return PreviousResponseNotFound(headers=headers)
    if not_kept := _NOT_KEPT.search(message):
        return ResponsesNotKept(not_kept[1], headers=headers)
    if refused := _REFUSED_FIELD.search(message):
        return _refused(refused[1], headers)
    if _UNKNOWN_PART.search(message):
        return InvalidRequest(
            "Invalid 'messages': the content of a user's message has a part whose `type` is not known, such as another API's. "
            "Known are text, image_url, input_audio, file, audio_url, video_url and document.",
            param="messages",
            code="invalid_value",
            headers=headers,
        )
    if status == HTTPStatus.UNAUTHORIZED and not message.startswith(_OF_THE_PROVIDER):
        if not _OF_A_KEY.search(message):
            return _told(HTTPStatus.BAD_REQUEST, {**error, "type": "invalid_request_error"}, headers)
        return GatewayKeyRejected(status, error, headers=headers)
    return _told(status, error, headers)


def _refused(field: str | None, headers: Mapping[str, str]) -> APIError:
    what = f"the field '{field}'" if field else "a field of the request"
    return InvalidRequest(
        f"This server does not accept {what}.", param=field, code="unsupported_parameter", headers=headers
    )


def _told(status: int, error: Mapping[str, Any], headers: Mapping[str, str]) -> APIError:
    """The error in the words of whoever made it, with what the provider said beside them where LiteLLM has kept it."""
    message = str(error.get("message") or "")
    words, names = in_callers_words(message, status), _names(message)
    if words.is_of_the_connection or (status == HTTPStatus.INTERNAL_SERVER_ERROR and _PROVIDER_FAILED in names):
        status = HTTPStatus.BAD_GATEWAY
    told = {
        "message": words.message,
        "type": words.type or (None if words.is_of_the_connection else error.get("type")),
        "param": words.param or error.get("param"),
        "code": words.code or _named_code(names, words.message) or error.get("code"),
    }
    if words.request_id and _REQUEST_ID.fullmatch(words.request_id):
        headers = {**headers, "x-request-id": words.request_id}
    return provider_error(words.status or status, told, headers)


def _names(message: str) -> str:
    """The names of LiteLLM's exceptions that the message begins with; none where the error is no provider's."""
    names = _NAMES.match(message) if message.startswith(_OF_THE_PROVIDER) else None
    return names[0] if names else ""


def _named_code(names: str, said: str) -> str | None:
    """OpenAI's code for what LiteLLM's exceptions, or OpenAI's own words, are sure to mean, which clients branch on."""
    if "RateLimitError: " in names and _OPENAIS_RATE_LIMIT.match(said):
        return "rate_limit_exceeded"
    return next((code for name, code in _CODES.items() if f"{name}: " in names), None)


def _error_object(body: object, response: httpx.Response) -> dict[str, Any]:
    """The object under `error`; the SDK has already taken it out of the body where there was one."""
    if isinstance(body, dict):
        return {"message": body.get("detail"), **body}
    return {"message": _nameless(response.status_code)}


def _nameless(status: int) -> str:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f"LiteLLM answered {f'{status} {phrase}'.strip()}."


def _never_answered(error: openai.APITimeoutError) -> bool:
    """What the SDK calls a time-out may be one of the connection, which was never made."""
    return isinstance(error.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout)
