"""The stack as its users and its owner see it: requests through the API, then Phoenix's and LiteLLM's records of them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import httpx

from local_stack import env_file
from local_stack.instance import Instance
from local_stack.traces import Span
from operations import trace
from tests.support.provider import ScriptedProvider

T = TypeVar("T")
# Both sides send their spans in batches, and LiteLLM writes its spend log in batches.
RECORDED_WITHIN = 30.0  # seconds
_PAGE = 100


@dataclass(frozen=True)
class Answered:
    """What a client got, and the chunks of it if it was streamed."""

    response: httpx.Response

    @property
    def trace_id(self) -> str:
        return self.response.headers["x-trace-id"]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        lines = [line.removeprefix("data: ") for line in self.response.text.splitlines() if line.startswith("data: {")]
        return [json.loads(line) for line in lines]

    @property
    def body(self) -> dict[str, Any]:
        return self.response.json()  # type: ignore[no-any-return]

    @property
    def streamed(self) -> bool:
        return self.response.headers["content-type"].startswith("text/event-stream")

    @property
    def usage(self) -> dict[str, Any]:
        """The usage that the client was told, plain or in the stream's last chunk."""
        return self.chunks[-1]["usage"] if self.streamed else self.body["usage"]  # type: ignore[no-any-return]

    @property
    def cost(self) -> float:
        """In US dollars: a stream says it in its usage, a plain answer in a header."""
        return float(self.usage["cost"] if self.streamed else self.response.headers["x-litellm-response-cost"])


@dataclass(frozen=True)
class StackClient:
    """One user of a running, scripted stack."""

    stack: Instance
    settings: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, stack: Instance) -> "StackClient":
        return cls(stack, env_file.read(stack.env_file))

    @property
    def provider(self) -> ScriptedProvider:
        return ScriptedProvider(self.stack.url("demo-provider"))

    @property
    def token(self) -> str:
        return self.settings["API_TOKENS"].split(",")[0].strip()

    def ask(self, content: str, *, stream: bool = False, mode: str = "passthrough", **fields: Any) -> Answered:
        """One chat completion through the API, whatever it is answered with."""
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}], **fields}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"authorization": f"Bearer {self.token}", "x-routing-mode": mode}
        url = self.stack.url("api", "/v1/chat/completions")
        return Answered(httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False))

    def spans(self, trace_id: str, *, calls: int) -> list[Span]:
        """The trace's spans, once the request's own span and those of so many counted calls have arrived."""

        def complete() -> list[Span] | None:
            spans = trace.fetch(self.stack, self.settings, trace_id)
            counted = sum(span.tokens is not None for span in spans)
            return spans if counted >= calls and any(span.parent_id is None for span in spans) else None

        return eventually(complete, f"Phoenix has the trace {trace_id} with {calls} counted calls")

    def phoenix_filter(self, condition: str, trace_id: str) -> list[Span]:
        """The spans of a trace that Phoenix's own filter lets through, as its search field would."""
        query = """query ($name: String!, $condition: String!) { getProjectByName(name: $name) {
            spans(first: 1000, filterCondition: $condition) { edges { node { spanId trace { traceId } } } } } }"""
        variables = {"name": self.settings.get("PHOENIX_PROJECT_NAME") or "reasoning-agent", "condition": condition}
        answer = httpx.post(
            self.stack.url("phoenix", "/graphql"),
            json={"query": query, "variables": variables},
            timeout=30,
            trust_env=False,
        ).json()
        nodes = [edge["node"] for edge in answer["data"]["getProjectByName"]["spans"]["edges"]]
        found = {node["spanId"] for node in nodes if node["trace"]["traceId"] == trace_id}
        return [span for span in trace.fetch(self.stack, self.settings, trace_id) if span.span_id in found]

    def spend_rows(self, trace_id: str, *, calls: int) -> list[dict[str, Any]]:
        """LiteLLM's spend log of a request, oldest first, once it has at least so many rows."""

        def complete() -> list[dict[str, Any]] | None:
            rows = [row for row in self._recent_rows() if _noted(row).get("trace_id") == trace_id]
            return sorted(rows, key=lambda row: str(row["startTime"])) if len(rows) >= calls else None

        return eventually(complete, f"LiteLLM's spend log has {calls} rows of the trace {trace_id}")

    def litellm(self, path: str, **parameters: str) -> Any:
        """What LiteLLM's owner reads there."""
        headers = {"authorization": f"Bearer {self.settings['LITELLM_MASTER_KEY']}"}
        answer = httpx.get(self.stack.url("litellm", path), params=parameters, headers=headers, timeout=30)
        return answer.raise_for_status().json()

    def spent(self, name: str) -> float:
        """What has been charged to the key that .env has under this name, in US dollars."""
        return float(self.litellm("/key/info", key=self.settings[name])["info"]["spend"])

    def logged(self, name: str) -> int:
        """How many calls of the last day LiteLLM has logged for the key that .env has under this name."""
        key = sha256(self.settings[name].encode()).hexdigest()
        return int(self.litellm("/spend/logs/v2", **_window(timedelta(days=1)), api_key=key, page_size="1")["total"])

    def _recent_rows(self) -> Iterator[dict[str, Any]]:
        window = _window(timedelta(minutes=10))
        page, pages = 1, 1
        while page <= pages:
            listed = self.litellm("/spend/logs/v2", **window, page=str(page), page_size=str(_PAGE))
            yield from listed["data"]
            page, pages = page + 1, listed["total_pages"]


def eventually(attempt: Callable[[], T | None], claim: str, *, within: float = RECORDED_WITHIN) -> T:
    """The first result that is there."""
    deadline = time.monotonic() + within
    while (found := attempt()) is None:
        assert time.monotonic() < deadline, f"Not true within {within} s: {claim}"
        time.sleep(0.3)
    return found


def _window(length: timedelta) -> dict[str, str]:
    now = datetime.now(UTC)
    between = {"start_date": now - length, "end_date": now + timedelta(minutes=1)}
    return {name: f"{moment:%Y-%m-%d %H:%M:%S}" for name, moment in between.items()}


def _noted(row: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = row["metadata"]
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    return metadata.get("spend_logs_metadata") or {}
