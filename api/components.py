"""The names by which every LLM call is attributed: which part of this server makes it, and what for."""

from enum import StrEnum


class Component(StrEnum):
    """Which part of this server makes a call."""

    PASSTHROUGH = "passthrough"
    REASONING_AGENT = "reasoning-agent"
    ROUTING_CLASSIFIER = "routing-classifier"


class Operation(StrEnum):
    """What a call is for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RESPONSE = "response"
    KEPT_RESPONSE = "kept_response"
    MESSAGES = "messages"
    TITLE = "title"
    SIDE_CALL = "side_call"
    COUNT_TOKENS = "count_tokens"
    STEP_GENERATION = "step_generation"
    SYNTHESIS = "synthesis"
    AUTO_ROUTING = "auto_routing"
