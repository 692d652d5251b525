"""A message as Anthropic sends it, made so again where LiteLLM translated it or added to it."""

import hashlib
from typing import Any, Final

from api.dialects.anthropic.errors import status_of
from api.errors import UpstreamError

_ID: Final = "msg_"
_ID_LENGTH: Final = 24  # hexadecimal digits, as long as Anthropic's own


def message(answer: Any, **_options: Any) -> None:
    """Restores a whole message: of another provider's answer LiteLLM keeps the id, and its count of all tokens is OpenAI's."""
    if not isinstance(answer, dict):
        return
    identifier = answer.get("id")
    if isinstance(identifier, str) and not identifier.startswith(_ID):
        answer["id"] = _ID + hashlib.sha256(identifier.encode()).hexdigest()[:_ID_LENGTH]
    if isinstance(usage := answer.get("usage"), dict):
        usage.pop("total_tokens", None)


def count(answer: Any, **_options: Any) -> None:
    """Restores a count of tokens: how LiteLLM counted is its own."""
    if isinstance(answer, dict):
        answer.pop("litellm_count_source", None)


def raise_failure(answer: Any) -> None:
    """Raises what stands in place of a message in an answer with 200."""
    if isinstance(answer, dict) and answer.get("type") == "error":
        error = answer.get("error")
        said = error if isinstance(error, dict) else {"message": error}
        raise UpstreamError(status_of(said.get("type")), said)
