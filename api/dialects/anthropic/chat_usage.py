"""What a chat completion used, in Anthropic's words."""

from collections.abc import Mapping
from typing import Any


def usage_of_chat(usage: Mapping[str, Any]) -> dict[str, int]:
    """Anthropic counts what was read from the cache or written to it beside the input, OpenAI within it."""
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, Mapping) else {}
    written = _count(usage.get("cache_creation_input_tokens")) or _count(details.get("cache_creation_tokens"))
    read = _count(usage.get("cache_read_input_tokens")) or _count(details.get("cached_tokens"))
    return {
        "input_tokens": max(0, _count(usage.get("prompt_tokens")) - written - read),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": _count(usage.get("completion_tokens")),
    }


def usage_less(usage: Mapping[str, int], *parts: Mapping[str, int]) -> dict[str, int]:
    """What is left of a sum without these."""
    return {name: max(0, count - sum(part[name] for part in parts)) for name, count in usage.items()}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
