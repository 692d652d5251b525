"""What a test tells the demo provider to answer, and to which requests."""

import threading
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt

FORBID_UNKNOWN = ConfigDict(extra="forbid", populate_by_name=True)


class ScriptedToolCall(BaseModel):
    """`arguments` are an object, or a string that is sent as it is (so that it may be broken JSON)."""

    model_config = FORBID_UNKNOWN
    name: str
    arguments: dict[str, Any] | str = Field(default_factory=dict)


class Reply(BaseModel):
    """One scripted answer; delays are in seconds. Without content of any kind it is the ordinary demo answer.

    `thinking`, `redacted_thinking` and `ping_interval` are for Anthropic's messages alone: 0 for the interval is a stream
    that says nothing in its delays, not even that it lives.
    """

    model_config = FORBID_UNKNOWN
    content: str | None = None
    json_content: Any = Field(default=None, alias="json")
    tool_calls: list[ScriptedToolCall] = Field(default_factory=list)
    refusal: str | None = None
    thinking: str | None = None
    redacted_thinking: bool = False
    finish_reason: str | None = None
    usage: dict[str, Any] = Field(default_factory=dict)
    status: int = Field(default=0, ge=0, le=599)
    error: dict[str, Any] | str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    delay: NonNegativeFloat = 0
    first_token_delay: NonNegativeFloat = 0
    chunk_delay: NonNegativeFloat = 0
    ping_interval: NonNegativeFloat = 10
    chunks: list[str] | None = None
    fail_after_chunks: NonNegativeInt | None = None
    fail: Literal["error_event", "drop"] = "error_event"
    raw_body: dict[str, Any] | list[Any] | str | None = None
    raw_chunks: list[dict[str, Any] | str] | None = None

    @property
    def says_something(self) -> bool:
        return bool(self.model_fields_set & {"content", "json_content", "tool_calls", "refusal", "chunks"})

    @property
    def is_error(self) -> bool:
        return self.status >= 400 or (self.error is not None and self.fail_after_chunks is None)


class Match(BaseModel):
    """A request matches when all that is given here does; `contains` looks into the raw body."""

    model_config = FORBID_UNKNOWN
    path: str | None = None
    model: str | None = None
    contains: str | None = None

    def fits(self, paths: tuple[str, ...], model: Any, raw: str) -> bool:
        return (
            (self.path is None or self.path in paths)
            and (self.model is None or self.model == model)
            and (self.contains is None or self.contains in raw)
        )


class Rule(BaseModel):
    model_config = FORBID_UNKNOWN
    match: Match = Field(default_factory=Match)
    replies: list[Reply] = Field(min_length=1)
    repeat_last: bool = False


class Script:
    """The rules in the order in which they came, each with its next reply's place."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[Rule, int]] = {}
        self._lock = threading.Lock()
        self._added = 0

    def add(self, rule: Rule) -> str:
        with self._lock:
            self._added += 1
            rule_id = f"rule-{self._added}"
            self._rules[rule_id] = (rule, 0)
            return rule_id

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def next_reply(self, paths: tuple[str, ...], model: Any, raw: str) -> tuple[str | None, Reply]:
        """The first matching rule that has a reply left, and that reply; without a rule, a reply that says nothing."""
        with self._lock:
            for rule_id, (rule, place) in self._rules.items():
                left = place < len(rule.replies) or rule.repeat_last
                if left and rule.match.fits(paths, model, raw):
                    self._rules[rule_id] = (rule, place + 1)
                    return rule_id, rule.replies[min(place, len(rule.replies) - 1)]
        return None, ORDINARY


ORDINARY = Reply()
