"""What LiteLLM says beside an answer, and how much of it a caller may know."""

from collections.abc import Mapping

# The rest, upstream URLs and cookies among it, stays here.
_HANDED_ON = frozenset(
    {
        "retry-after",
        "retry-after-ms",
        "x-litellm-call-id",
        "x-litellm-model-group",
        "x-litellm-model-id",
        "x-litellm-model-name",
        "x-litellm-response-cost",
        "x-litellm-version",
    }
)
_HANDED_ON_PREFIXES = ("x-ratelimit-",)
# LiteLLM renames what came from its provider; the first that is there is what the provider said.
_RENAMED = {
    "retry-after": ("llm_provider-retry-after",),
    "x-request-id": ("llm_provider-x-request-id", "request-id", "x-request-id"),
}
# An id, a number, a duration: what is longer is none of them, and headers of many kilobytes break proxies and clients.
LONGEST_HEADER = 256


def handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of LiteLLM's answer, error or not, that a caller may see."""
    said = {name: value for name, value in headers.items() if len(value) <= LONGEST_HEADER}
    kept = {name: value for name, value in said.items() if name in _HANDED_ON or name.startswith(_HANDED_ON_PREFIXES)}
    for ours, theirs in _RENAMED.items():
        if (value := next((said[name] for name in theirs if name in said), None)) is not None:
            kept.setdefault(ours, value)
    return kept
