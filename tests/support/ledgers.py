"""The two ledgers of a real stack: LiteLLM's spend log, and what Phoenix shows of the same calls."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from local_stack import env_file
from local_stack.instance import Instance
from operations import spend_rows
from operations.litellm_admin import LiteLLMAdmin
from operations.spend_rows import SpendRow

T = TypeVar("T")
PROJECT = "reasoning-agent"
ALIASES = 50  # as many as Phoenix takes in one query
_SPANS = """query($project: ID!, $filter: String, $after: String, $since: DateTime) { node(id: $project) { ... on Project {
  spans(first: 1000, after: $after, filterCondition: $filter, timeRange: {start: $since}) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      name spanKind statusCode statusMessage tokenCountPrompt tokenCountCompletion attributes trace { traceId }
      events { name message attributes }
      costSummary { total { cost } }
    } }
} } } }"""


@dataclass(frozen=True)
class PhoenixSpan:
    """A span as Phoenix shows it; `cost` is Phoenix's own, `attributes` are nested."""

    name: str
    kind: str
    failed: bool
    trace_id: str
    prompt_tokens: int
    completion_tokens: int
    cost: float
    attributes: dict[str, Any]
    message: str = ""
    events: tuple[dict[str, Any], ...] = ()

    @property
    def text(self) -> str:
        """All that the span says, for finding out whether it says something."""
        return json.dumps([self.name, self.message, self.attributes, self.events], ensure_ascii=False)

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self.attributes.get("metadata") or {})

    @property
    def litellm_cost(self) -> float:
        return float(self.attributes.get("litellm", {}).get("cost", {}).get("total") or 0)


@dataclass(frozen=True)
class Ledgers:
    """Both, from a moment on."""

    stack: Instance
    since: datetime

    @classmethod
    def from_now(cls, stack: Instance) -> "Ledgers":
        return cls(stack, datetime.now(UTC) - timedelta(seconds=1))

    @property
    def settings(self) -> dict[str, str]:
        """The stack's .env."""
        return env_file.read(self.stack.env_file)

    def rows(self) -> list[SpendRow]:
        """The calls that LiteLLM has logged so far."""
        with LiteLLMAdmin(self.stack.url("litellm"), self.settings["LITELLM_MASTER_KEY"]) as admin:
            return list(spend_rows.read(admin, self.since, datetime.now(UTC) + timedelta(seconds=60)))

    def spans(self, condition: str = "") -> list[PhoenixSpan]:
        """The spans that Phoenix finds by this filter, written as its users write it."""
        return [_span(node) for node in self._nodes(condition)]

    def rows_of(self, *traces: str, calls: int, within: float = 30.0) -> list[SpendRow]:
        """The rows of these traces, once there are so many."""
        wanted = set(traces)
        return settled(lambda: [row for row in self.rows() if row.trace_id in wanted], calls, within)

    def spans_of(self, *traces: str, calls: int, within: float = 30.0) -> list[PhoenixSpan]:
        """The spans of LiteLLM's calls of these traces, failed ones included, once there are so many."""
        wanted = set(traces)
        return settled(lambda: [span for span in self.calls() if span.trace_id in wanted], calls, within)

    def calls(self) -> list[PhoenixSpan]:
        """LiteLLM's spans of single calls, each attempt of a retried one."""
        return self.spans("span_kind == 'LLM' and llm.token_count.total is not None")

    def totals(self, traces: Sequence[str]) -> dict[str, tuple[int, int, float]]:
        """Prompt tokens, completion tokens and dollars of each trace that Phoenix has, as it sums them itself."""
        return {
            trace: found
            for start in range(0, len(traces), ALIASES)
            for trace, found in self._totals(traces[start : start + ALIASES]).items()
        }

    def _totals(self, traces: Sequence[str]) -> dict[str, tuple[int, int, float]]:
        wanted = "prompt { tokens } completion { tokens } total { cost }"
        fields = (
            f'_{trace}: getTraceByOtelId(traceId: "{trace}") {{ costSummary {{ {wanted} }} }}' for trace in traces
        )
        answer = _ask(self.stack.url("phoenix"), f"query {{ {' '.join(fields)} }}", {})
        sums = {name[1:]: node["costSummary"] for name, node in answer.items() if node}
        return {
            trace: (
                int(found["prompt"]["tokens"] or 0),
                int(found["completion"]["tokens"] or 0),
                float(found["total"]["cost"] or 0),
            )
            for trace, found in sums.items()
        }

    def _nodes(self, condition: str) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            variables = {
                "project": self._project(),
                "filter": condition,
                "after": after,
                "since": self.since.isoformat(),
            }
            page = _ask(self.stack.url("phoenix"), _SPANS, variables)["node"]["spans"]
            yield from (edge["node"] for edge in page["edges"])
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def _project(self) -> str:
        projects = (
            httpx.get(f"{self.stack.url('phoenix')}/v1/projects", trust_env=False).raise_for_status().json()["data"]
        )
        return next(str(project["id"]) for project in projects if project["name"] == PROJECT)


def settled(look: Callable[[], list[T]], count: int, within: float) -> list[T]:
    """What is found once there is as much as expected, or when the time is over: what is missing is for the test to say."""
    deadline = time.monotonic() + within
    while len(found := look()) < count and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _span(node: dict[str, Any]) -> PhoenixSpan:
    return PhoenixSpan(
        name=node["name"],
        kind=node["spanKind"],
        failed=node["statusCode"] == "ERROR",
        trace_id=node["trace"]["traceId"],
        prompt_tokens=int(node["tokenCountPrompt"] or 0),
        completion_tokens=int(node["tokenCountCompletion"] or 0),
        cost=float(((node["costSummary"] or {}).get("total") or {}).get("cost") or 0),
        attributes=json.loads(node["attributes"]),
        message=node["statusMessage"],
        events=tuple(node["events"]),
    )


def _ask(phoenix: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.post(
        f"{phoenix}/graphql", json={"query": query, "variables": variables}, timeout=60, trust_env=False
    )
    body = answer.raise_for_status().json()
    assert not body.get("errors"), body["errors"]
    return dict(body["data"])
