"""A message as Anthropic sends it, made so again where LiteLLM translated it or added to it."""

import hashlib
from typing import Any, Final

from api.dialects.anthropic.errors import status_of
from api.errors import UpstreamError

_ID: Final = "msg_"
_ID_LENGTH: Final = 24  # hexadecimal digits, as long as Anthropic's own

# What Anthropic always says of a message, of what it used and of its blocks, where there is nothing to be said.
UNSAID: Final[dict[str, Any]] = {"container": None, "stop_details": None}
UNUSED: Final[dict[str, Any]] = dict.fromkeys(
    ("cache_creation", "inference_geo", "output_tokens_details", "server_tool_use", "service_tier")
)
OF_BLOCKS: Final[dict[str, dict[str, Any]]] = {
    "text": {"citations": None},
    "tool_use": {"caller": {"type": "direct"}},
}
_UNCOUNTED: Final = dict.fromkeys(("cache_creation_input_tokens", "cache_read_input_tokens"))


def message(answer: Any, **_options: Any) -> None:
    """Restores a whole message: of another provider's answer LiteLLM keeps the id, and its count of all tokens is OpenAI's."""
    if not isinstance(answer, dict):
        return
    identifier = answer.get("id")
    if isinstance(identifier, str) and not identifier.startswith(_ID):
        answer["id"] = _ID + hashlib.sha256(identifier.encode()).hexdigest()[:_ID_LENGTH]
        _complete(answer)
    if isinstance(usage := answer.get("usage"), dict):
        usage.pop("total_tokens", None)


def _complete(answer: dict[str, Any]) -> None:
    """Puts in what LiteLLM's translation leaves out, after what it says."""
    _put_in(answer, UNSAID)
    if isinstance(usage := answer.get("usage"), dict):
        _put_in(usage, _UNCOUNTED | UNUSED)
    for block in answer.get("content") or ():
        _put_in(block, OF_BLOCKS.get(block.get("type"), {}))


def _put_in(told: dict[str, Any], unsaid: dict[str, Any]) -> None:
    for name, value in unsaid.items():
        told.setdefault(name, value)


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
