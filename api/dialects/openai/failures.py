"""What a provider says of its own failure, as an error or inside of an answer with 200 → the error for a client."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from api.errors import APIError, InsufficientQuota, NothingAnswered, ProviderTimeout, UpstreamError

# OpenAI's names, and others', for money that is used up: asking again is in vain.
_QUOTA: Final = frozenset(
    {
        *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_limit_reached"),
        *("insufficient_balance", "insufficient_credits", "insufficient_funds", "credit_limit_reached"),
    }
)
# LiteLLM drops the code of some errors: then only their words tell a quota from a rate.
_QUOTA_SAID: Final = re.compile(
    r"exceeded your current quota|check your plan and billing|billing hard limit|insufficient[ _](?:quota|credits|balance|funds)"
    r"|credit balance is too low|out of credits",
    re.IGNORECASE,
)
_FAILED: Final = "error"
_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def provider_error(status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> APIError:
    """The error of a provider that answered with this status."""
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return ProviderTimeout("The model's provider did not answer in time.", headers=headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and _is_quota(error, headers or {}):
        code = error.get("code")
        return InsufficientQuota(
            str(error.get("message") or ""), code=code if code in _QUOTA else None, headers=headers
        )
    return UpstreamError(status, error, headers=headers)


def raise_failure(answer: Any) -> None:
    """Raises what a plain answer or a chunk says in place of an answer; one of another form is left to others.

    Some providers answer 200 and put an error beside the choices, into one, or end one with the reason `error`.
    """
    if not isinstance(answer, dict):
        return
    if error := answer.get("error"):
        raise _inside(error)
    for choice in _objects(answer.get("choices")):
        own = choice.get("provider_specific_fields")
        said = {**own, **choice} if isinstance(own, dict) else choice
        if error := said.get("error"):
            raise _inside(error)
        if _FAILED in (said.get("finish_reason"), said.get("native_finish_reason")):
            raise _inside({})


def raise_if_empty(answer: Any) -> None:
    """Raises where a plain answer of choices has none. One that has some but no text is an answer."""
    if isinstance(answer, dict) and answer.get("choices") == []:
        raise NothingAnswered


def raise_if_nothing_answered(response: Any) -> None:
    """Raises where a response is complete without an item and without a token."""
    if not isinstance(response, dict) or response.get("status") != "completed" or response.get("output") != []:
        return
    if not (response.get("usage") or {}).get("output_tokens"):
        raise NothingAnswered


def _inside(error: Any) -> APIError:
    """The error in an answer with 200: its code is a status, if it is one."""
    error = error if isinstance(error, dict) else {"message": error if isinstance(error, str) else None}
    code = str(error.get("code"))
    status = int(code) if re.fullmatch("[45][0-9]{2}", code) else HTTPStatus.BAD_GATEWAY
    message = error.get("message") or "The provider reported an error without saying which."
    kind = error.get("type") or _TYPES.get(status)
    return provider_error(int(status), {**error, "message": message, "type": kind})


def _is_quota(error: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """By the provider's code or type; by its words where it has no code and does not say when to come again."""
    names = (error.get("code"), error.get("type"))
    if any(name in _QUOTA for name in names):
        return True
    code = str(error.get("code"))
    if (code != "None" and not code.isdigit()) or "retry-after" in headers:
        return False
    return bool(_QUOTA_SAID.search(str(error.get("message"))))


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
