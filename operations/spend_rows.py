"""LiteLLM's spend log, a row a call, read over HTTP with the master key."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from operations.litellm_admin import LiteLLMAdmin

PAGE_SIZE = 500
NONE = "(none)"
CLIENT_LEFT = "499"


class UnreadableError(Exception):
    """The database behind the spend log cannot be read; the message says why."""


class Charge(Protocol):
    """When a call began, who made it, and its cost in dollars."""

    @property
    def started(self) -> datetime: ...
    @property
    def component(self) -> str: ...
    @property
    def cost(self) -> float: ...


@dataclasses.dataclass(frozen=True)
class SpendRow:
    """One call. Tokens are those that LiteLLM was told or counted as used: for a call that failed before it used any, LiteLLM
    writes its guess of the prompt into the row, which nobody pays for and which is left out here. Cost is in dollars."""

    request_id: str
    started: datetime
    key: str
    model: str
    failed: bool
    cut: bool
    prompt_tokens: int
    cache_read_tokens: int
    completion_tokens: int
    cost: float
    milliseconds: float
    tags: tuple[str, ...]
    end_user: str
    session: str
    trace_id: str
    component: str
    operation: str
    environment: str
    caller: str
    agent: str
    parent_agent: str
    memory_user: str
    call_id: str

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @classmethod
    def of(cls, row: Mapping[str, Any], environments: Mapping[str, str]) -> SpendRow:
        """``environments`` by the hash of their keys: what a key is for outranks what a call says of itself."""
        metadata = row.get("metadata") or {}
        # Of a failed response or message a LiteLLM without config/litellm_plugin.py keeps the tags alone.
        noted = metadata.get("spend_logs_metadata") or {}
        said = _tagged(row) | {name: value for name, value in noted.items() if value}
        prompt, completion = _used(row, metadata)
        return cls(
            request_id=row["request_id"],
            started=datetime.fromisoformat(row["startTime"]).astimezone(UTC),
            key=metadata.get("user_api_key_alias") or NONE,
            model=row.get("model_group") or row.get("model") or NONE,
            failed=row.get("status") == "failure",
            cut=str((metadata.get("error_information") or {}).get("error_code")) == CLIENT_LEFT,
            prompt_tokens=prompt,
            cache_read_tokens=_read_from_cache(metadata.get("usage_object")),
            completion_tokens=completion,
            cost=float(row.get("spend") or 0),
            milliseconds=float(row.get("request_duration_ms") or 0),
            tags=tuple(row.get("request_tags") or ()),
            end_user=row.get("end_user") or NONE,
            session=said.get("session_id") or NONE,
            trace_id=said.get("trace_id") or NONE,
            component=said.get("component") or NONE,
            operation=said.get("operation") or NONE,
            environment=environments.get(row.get("api_key") or "") or said.get("environment") or NONE,
            caller=said.get("caller") or NONE,
            agent=said.get("agent_id") or NONE,
            parent_agent=said.get("parent_agent_id") or NONE,
            memory_user=said.get("memory_user") or NONE,
            call_id=row.get("litellm_call_id") or NONE,
        )


def _tagged(row: Mapping[str, Any]) -> dict[str, str]:
    """What our own tags say; no caller can set one of their form (api/llm/attribution.py)."""
    named = (tag.partition(":") for tag in row.get("request_tags") or ())
    return {name: value for name, _, value in named if name in {"component", "operation", "environment"}}


def _used(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[int, int]:
    if row.get("status") == "failure" and not metadata.get("usage_object"):
        return 0, 0
    return int(row.get("prompt_tokens") or 0), int(row.get("completion_tokens") or 0)


def _read_from_cache(usage: Any) -> int:
    """Part of the prompt's tokens. Each way of answering has its own word for it; OpenAI's is part of the details."""
    if not isinstance(usage, dict):
        return 0
    details = (usage.get(name) for name in ("prompt_tokens_details", "input_tokens_details"))
    said = [each.get("cached_tokens") for each in details if isinstance(each, dict)]
    counts = [usage.get("cache_read_input_tokens"), *said]
    return max([0, *(int(each) for each in counts if isinstance(each, int | float) and not isinstance(each, bool))])


def read(
    admin: LiteLLMAdmin, since: datetime, until: datetime, tell: Callable[[int], None] = lambda _: None
) -> Iterator[SpendRow]:
    """The rows of the calls that began in this time, each once, newest first; ``tell`` hears how many there were so far.

    LiteLLM writes rows in batches, seconds after their calls; one that comes while this reads moves the pages on by one, so
    a row may be met twice. Raises LiteLLMError.
    """
    environments = admin.environments()
    seen: set[str] = set()
    for page in admin.spend_log_pages(since, until, PAGE_SIZE):
        for fields in page:
            row = SpendRow.of(fields, environments)
            if row.request_id not in seen:
                seen.add(row.request_id)
                yield row
        tell(len(seen))
