"""Every error a client can see, as one tree. A dialect renders it; `api.edge.exception_handlers` is where they all arrive.

    APIError                        its class says status, type and code
    ├── InvalidRequest              400  the body, with the field named in `param`
    │   ├── InvalidHeader           400  a header, named in `param`
    │   ├── NotFound                404
    │   │   ├── RunNotFound         404  the caller has no such run
    │   │   └── ModelNotFound       404  unknown to LiteLLM, or not for this server's key
    │   ├── PreviousResponseNotFound 400 no response of this server has that id
    │   ├── ResponsesNotKept        400  the provider of that response keeps none
    │   ├── ThreadUnsupported       400  a conversation that Anthropic is to keep, of which LiteLLM does not tell it
    │   ├── OriginNotAllowed        403  a browser's page that may not call this server
    │   ├── MethodNotAllowed        405
    │   ├── RunCancelled            409  whoever reads a run is told that its caller has ended it, or the server has
    │   ├── RunEventsGone           410  a run's events are asked for that are no longer kept
    │   ├── RequestTimeout          408  the body did not arrive in time
    │   ├── RequestTooLarge         413
    │   ├── UnsupportedMediaType    415
    │   ├── HostNotAllowed          421  a `Host` that is none of this server's names
    │   └── HeadersTooLarge         431
    ├── Unauthenticated             401
    ├── NotAllowed                  403  the caller is known, and may not do this
    ├── UpstreamError               LiteLLM's own status, message, type, code and param
    │   └── GatewayKeyRejected      401  LiteLLM does not accept this server's virtual key
    ├── InsufficientQuota           429  a budget in LiteLLM, or a quota at the provider, is used up
    ├── TooManyRuns             429  as many resumable runs go on as may
    ├── TooManyBytesInFlight        503  the requests under way are as large as this server takes on at once
    ├── UpstreamUnreachable         503
    ├── UpstreamTimeout             504  LiteLLM itself did not answer
    ├── ProviderTimeout             504  LiteLLM's provider did not answer
    ├── UpstreamStreamBroken        502  the answer ended before it was complete
    ├── NothingAnswered             502  the provider's answer says nothing
    ├── AnswerUnusable              502  a model's structured answer is missing, refused or does not fit
    ├── ReasoningStepInvalid        502  the model did not reply with a reasoning step, twice
    ├── NoModelList                 503  LiteLLM has not listed its models yet; the code says why
    ├── NotReady                    503  what /health/ready says while LiteLLM cannot be used
    └── InternalError               500

`ClientDisconnected` stands beside the tree: nobody is left to read an answer.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from api.error_words import code_of, phrase, sayable, text_of
from api.redaction import redact


class APIError(Exception):
    """Anything a client is told. `headers` go out beside the body."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = sayable(message)
        self.param = param
        self.error_code = code or self.code
        self.headers = dict(headers or {})

    @property
    def status_code(self) -> int:
        """The HTTP status of the answer."""
        return self.status

    @property
    def error_type(self) -> str:
        """What kind of error it is, in OpenAI's words."""
        return self.type


class InvalidRequest(APIError):
    status, type = 400, "invalid_request_error"


class InvalidHeader(InvalidRequest):
    code = "invalid_header"


class Unauthenticated(APIError):
    status, type, code = 401, "authentication_error", "invalid_api_key"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"www-authenticate": "Bearer"})


class NotAllowed(APIError):
    """The caller is known, and may not do this."""

    status, type, code = 403, "permission_error", "caller_not_allowed"


class NotFound(InvalidRequest):
    status, code = 404, "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"

    def __init__(self, name: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            f"The model `{name}` does not exist or you do not have access to it. GET /v1/models lists those you have.",
            param="model",
            headers=headers,
        )


class RunNotFound(NotFound):
    code = "run_not_found"


class RunCancelled(InvalidRequest):
    status, code = 409, "run_cancelled"


class RunEventsGone(InvalidRequest):
    status, code = 410, "run_events_gone"


class PreviousResponseNotFound(InvalidRequest):
    code = "previous_response_not_found"

    def __init__(self, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            "The response that `previous_response_id` names was not found. This server knows the ids of responses that it "
            "gave itself.",
            param="previous_response_id",
            headers=headers,
        )


class ResponsesNotKept(InvalidRequest):
    code = "responses_not_kept"

    def __init__(self, provider: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(
            f"The provider that gave this response ({provider}) keeps none to be looked up, listed, cancelled or deleted: send "
            "the whole conversation in `input`.",
            param="response_id",
            headers=headers,
        )


class ThreadUnsupported(InvalidRequest):
    code = "thread_unsupported_request"

    def __init__(self) -> None:
        super().__init__("thread: not supported here; send the whole conversation in `messages`.", param="thread")


class OriginNotAllowed(InvalidRequest):
    status, code = 403, "origin_not_allowed"


class MethodNotAllowed(InvalidRequest):
    status, code = 405, "method_not_allowed"


class RequestTimeout(InvalidRequest):
    status, code = 408, "request_timeout"


class RequestTooLarge(InvalidRequest):
    status, code = 413, "request_too_large"


class UnsupportedMediaType(InvalidRequest):
    status, code = 415, "unsupported_media_type"


class HostNotAllowed(InvalidRequest):
    status, code = 421, "host_not_allowed"


class HeadersTooLarge(InvalidRequest):
    status, code = 431, "request_header_fields_too_large"


class UpstreamError(APIError):
    """LiteLLM answered with an error, its own or its provider's: handed on as it came, less keys and upstream addresses."""

    def __init__(self, status: int, error: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> None:
        message = redact(str(error.get("message") or phrase(status)))
        super().__init__(message, param=text_of(error.get("param")), code=code_of(error.get("code")), headers=headers)
        self._status = status
        self._type = text_of(error.get("type")) or ("invalid_request_error" if status < 500 else "server_error")

    @property
    def status_code(self) -> int:
        return self._status

    @property
    def error_type(self) -> str:
        return self._type


class GatewayKeyRejected(UpstreamError):
    """A 401 from LiteLLM itself: no caller can mend it, so the message says who can, and the code is not that of a wrong token."""

    code = "llm_gateway_key_rejected"

    def __init__(self, status: int, error: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, error, headers=headers)
        whose = (
            "LiteLLM does not accept this server's LLM_API_KEY (`make litellm_setup` mints one if it is needed; "
            "`make up` or `make docker_restart` then starts the API with it)"
        )
        self.message = f"{whose}: {self.message}"
        self.error_code = self.code


class InsufficientQuota(APIError):
    status, type, code = 429, "insufficient_quota", "insufficient_quota"

    def __init__(self, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        # OpenAI's clients retry a 429 unless they are told that it is in vain.
        super().__init__(redact(message), code=code, headers={**(headers or {}), "x-should-retry": "false"})


class TooManyRuns(APIError):
    status, type, code = 429, "rate_limit_error", "too_many_runs"


class TooManyBytesInFlight(APIError):
    status, code = 503, "server_overloaded"


class UpstreamUnreachable(APIError):
    status, code = 503, "llm_gateway_unreachable"


class UpstreamTimeout(APIError):
    status, code = 504, "llm_gateway_timeout"


class ProviderTimeout(APIError):
    status, code = 504, "upstream_timeout"


class UpstreamStreamBroken(APIError):
    status, code = 502, "llm_gateway_stream_broken"


class NothingAnswered(APIError):
    status, code = 502, "upstream_empty_answer"

    def __init__(self) -> None:
        super().__init__("The provider's answer is empty: it ended without saying anything.")


class AnswerUnusable(APIError):
    status, code = 502, "answer_unusable"


class ReasoningStepInvalid(APIError):
    status, code = 502, "invalid_reasoning_step"


class NoModelList(APIError):
    """Whatever LiteLLM failed with: a client can do nothing but come again, and has no part in it."""

    status, code = 503, "model_list_unavailable"

    def __init__(self, cause: APIError | None) -> None:
        why = cause.message if cause else "it did not say why."
        super().__init__(f"LiteLLM did not list its models: {why}", code=cause.error_code if cause else None)


class NotReady(APIError):
    status, code = 503, "not_ready"


class InternalError(APIError):
    code = "internal_error"


class ClientDisconnected(Exception):
    """The client went away; whatever was under way for it has been cancelled."""
