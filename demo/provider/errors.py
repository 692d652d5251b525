"""What the demo provider refuses, and how OpenAI and Anthropic write a refusal."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ProviderError(Exception):
    """An error answer; `details` replaces the fields that a scripted error spells out itself.

    `request_id` becomes that of the request that it answers.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code = message, status, param, code
        self.details = details or {}
        self.request_id = f"req_{secrets.token_hex(12)}"

    @classmethod
    def scripted(cls, status: int, error: Any) -> "ProviderError":
        details = error if isinstance(error, dict) else {}
        message = error if isinstance(error, str) else str(details.get("message", f"Scripted error {status}"))
        return cls(message, status=status, details=details)


def openai_error(error: ProviderError) -> dict[str, Any]:
    if "error" in error.details:
        return error.details
    kind = OPENAI_TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    fields = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return {"error": fields | error.details}


def anthropic_error(error: ProviderError) -> dict[str, Any]:
    if "error" in error.details:
        return error.details
    kind = ANTHROPIC_TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
    fields = {"type": kind, "message": error.message} | error.details
    return {"type": "error", "error": fields, "request_id": error.request_id}


def anthropic_error_headers(error: ProviderError) -> dict[str, str]:
    """What Anthropic tells beside the body: of a limit, how much there is, how much is left, and when it is full again."""
    told = {"x-should-retry": "true" if error.status in {408, 409, 429} or error.status >= 500 else "false"}
    if error.status != 429:
        return told
    told["retry-after"] = "1"
    reset = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, limit in {"requests": 50, "input-tokens": 30_000, "output-tokens": 8_000}.items():
        head = f"anthropic-ratelimit-{name}"
        told |= {f"{head}-limit": str(limit), f"{head}-remaining": "0", f"{head}-reset": reset}
    return told
