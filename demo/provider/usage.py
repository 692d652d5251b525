"""Token counts: no tokenizer, but a plausible figure that is the same for the same request.

Four characters are one token; a message costs three more, an image 85 (low detail) or 765, a tool its JSON.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from demo.provider.prompt import CacheUse, Prompt

CHARACTERS_PER_TOKEN = 4
MESSAGE_OVERHEAD = 3
LOW_DETAIL_IMAGE, FULL_IMAGE = 85, 765
INPUT_FIELDS = frozenset(
    {"input_tokens", "prompt_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"}
)


@dataclass
class Usage:
    """`scripted` holds what a script said instead, in the field names of any of the APIs.

    `thinking` is the part of the completion that was thought and not said.
    """

    prompt: int
    completion: int
    scripted: dict[str, Any] = field(default_factory=dict)
    thinking: int = 0

    def __post_init__(self) -> None:
        self.prompt = self.scripted.get("prompt_tokens", self.scripted.get("input_tokens", self.prompt))
        self.completion = self.scripted.get("completion_tokens", self.scripted.get("output_tokens", self.completion))

    @property
    def cached(self) -> int:
        return int(_details(self.scripted, "prompt_tokens_details", "input_tokens_details").get("cached_tokens", 0))

    @property
    def reasoning(self) -> int:
        details = _details(self.scripted, "completion_tokens_details", "output_tokens_details")
        return int(details.get("reasoning_tokens", 0))


def tokens_in(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def image_tokens(detail: Any) -> int:
    return LOW_DETAIL_IMAGE if detail == "low" else FULL_IMAGE


def prompt_tokens(prompt: Prompt) -> int:
    if prompt.input_tokens is not None:
        return prompt.input_tokens
    turns = sum(MESSAGE_OVERHEAD + tokens_in(turn.text) + turn.image_tokens for turn in prompt.turns)
    tools = tokens_in(json.dumps(prompt.body["tools"])) if prompt.tools else 0
    return MESSAGE_OVERHEAD + turns + tools


def chat_usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's `usage` of a chat completion."""
    counted = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    return _overlaid(counted, usage.scripted)


def responses_usage(usage: Usage) -> dict[str, Any]:
    """OpenAI's `usage` of a response."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def messages_usage(usage: Usage, cache: CacheUse | None = None) -> dict[str, Any]:
    """Anthropic's `usage`; what was read from its cache or written into it is not part of `input_tokens` there."""
    scripted = usage.scripted
    if cache is not None and not scripted.keys() & INPUT_FIELDS:
        own = usage.prompt - cache.read - cache.written
        counted = _messages_input(own, cache.read, cache.written_5m, cache.written_1h)
    else:
        written = scripted.get("cache_creation_input_tokens", 0)
        lasting = _details(scripted, "cache_creation").get("ephemeral_1h_input_tokens", 0)
        read = scripted.get("cache_read_input_tokens", 0)
        counted = _messages_input(usage.prompt, read, written - lasting, lasting)
    thinking = {"thinking_tokens": usage.thinking} if usage.thinking else None
    spent = {"output_tokens": usage.completion, "output_tokens_details": thinking, "server_tool_use": None}
    return counted | spent | {"service_tier": "standard", "inference_geo": None}


def _messages_input(own: int, read: int, written_5m: int, written_1h: int) -> dict[str, Any]:
    return {
        "input_tokens": own,
        "cache_creation_input_tokens": written_5m + written_1h,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written_5m, "ephemeral_1h_input_tokens": written_1h},
    }


def _details(scripted: dict[str, Any], *names: str) -> dict[str, Any]:
    return next((scripted[name] for name in names if isinstance(scripted.get(name), dict)), {})


def _overlaid(counted: dict[str, Any], scripted: dict[str, Any]) -> dict[str, Any]:
    merged = dict(counted)
    for name, value in scripted.items():
        if name in {"input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"}:
            continue
        merged[name] = counted[name] | value if isinstance(value, dict) and name in counted else value
    return merged
