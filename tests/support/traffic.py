"""Requests of every kind that a client may make of the API: what they ask, what the provider is to do, when the client leaves."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from pydantic_core import from_json

from api.sse import payloads
from tests.support.api import RunningAPI
from tests.support.provider import ScriptedProvider

AT_ONCE = 32
ORDINARY: dict[str, Any] = {}
SLOW = {"chunks": [f"word{number} " for number in range(400)], "chunk_delay": 0.05}
REFUSED = {"status": 400, "error": {"message": "no"}}
DOWN = {"status": 500, "error": {"message": "down"}}
# So slowly that however busy the machine is, what came before the break has been handed on when it comes.
BROKEN = {"chunks": ["one ", "two ", "three "], "chunk_delay": 1.0, "fail_after_chunks": 2, "fail": "error_event"}
LATE = {"content": "late", "delay": 60.0}


@dataclass(frozen=True)
class Kind:
    """One kind of request.

    `replies`: what the provider answers to one such request, its last for all that follows; `once`: ordinary after them.
    `by`: the one model that these replies are of. `words`: of SLOW, after which the client leaves; `leaves`: once the
    provider has the request. `tells`: whether the client must be told what was used; `costs`: and what it cost.
    `calls`: of the API at LiteLLM; `attempts`: of LiteLLM at the provider; `rows` and `spans`: what LiteLLM makes of them.
    """

    name: str
    path: str = "/chat/completions"
    fields: dict[str, Any] = field(default_factory=dict)
    mode: str | None = None
    says: str = ""
    sampled: bool = True
    replies: tuple[dict[str, Any], ...] = ()
    once: bool = False
    by: str | None = None
    words: int | None = None
    leaves: bool = False
    status: int = 200
    tells: bool = True
    costs: bool = True
    calls: int = 1
    attempts: int | None = None
    rows: int | None = None
    spans: int | None = None

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Calls, attempts, rows, spans: one of each for every call, where nothing else is said."""
        attempts = self.calls if self.attempts is None else self.attempts
        rows, spans = self.calls if self.rows is None else self.rows, attempts if self.spans is None else self.spans
        return self.calls, attempts, rows, spans

    @property
    def streams(self) -> bool:
        return bool(self.fields.get("stream"))

    @property
    def left(self) -> bool:
        return self.leaves or self.words is not None


STREAM = {"stream": True}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
CLAUDE = {"model": "claude-haiku-4-5"}
MESSAGE = {**CLAUDE, "max_tokens": 4000}
TRANSLATED = {"max_tokens": 4000}
CLASSIFIER = "gpt-4o"  # no request asks for it, so its calls can be told apart
COMPUTES = "What is 17+3?"
KINDS = [
    Kind("plain"),
    Kind("streamed", fields=STREAM, tells=False),
    Kind("usage", fields=USAGE),
    Kind("unsampled", sampled=False),
    Kind("embedding", "/embeddings", {"model": "text-embedding-3-small"}),
    Kind("response", "/responses"),
    Kind("response-streamed", "/responses", STREAM),
    Kind("completion", "/completions", USAGE),
    Kind("completion-streamed", "/completions", STREAM, tells=False),
    Kind("custom-price", fields={"model": "o1-mini"}),
    Kind("anthropic", fields={**CLAUDE, **USAGE}),
    Kind("message", "/messages", MESSAGE),
    Kind("message-streamed", "/messages", {**MESSAGE, **STREAM}, costs=False),
    Kind("message-translated", "/messages", TRANSLATED),
    Kind("message-translated-streamed", "/messages", {**TRANSLATED, **STREAM}, costs=False),
    Kind("failing-message", "/messages", MESSAGE, replies=(REFUSED,), status=400, tells=False),
    Kind("broken-message", "/messages", {**MESSAGE, **STREAM}, replies=(BROKEN,), tells=False),
    Kind("left-message", "/messages", {**MESSAGE, **STREAM}, replies=(SLOW,), words=3, tells=False),
    Kind("failing", replies=(REFUSED,), status=400, tells=False),
    Kind("failing-streamed", fields=STREAM, replies=(REFUSED,), status=400, tells=False),
    Kind("failing-response", "/responses", replies=(REFUSED,), status=400, tells=False),
    Kind("failing-reasoned", mode="reasoning", replies=(REFUSED,), status=400, tells=False),
    # LiteLLM writes one row and one span of all three attempts.
    Kind("exhausted", replies=(DOWN,), status=500, tells=False, attempts=3, spans=1),
    Kind("exhausted-streamed", fields=STREAM, replies=(DOWN,), status=500, tells=False, attempts=3, spans=1),
    Kind("timed-out", replies=({**DOWN, "status": 408},), status=504, tells=False, attempts=3, spans=1),
    Kind("broken", fields=USAGE, replies=(BROKEN,), tells=False),
    Kind("dropped", fields=USAGE, replies=({**BROKEN, "fail": "drop"},), tells=False),
    # LiteLLM asks the same model again after a 500; another one that the caller names it is not told of.
    Kind("retried", replies=(DOWN,), once=True, attempts=2),
    Kind("fallback", fields={"fallbacks": ["claude-haiku-4-5"]}, replies=(REFUSED,), status=400, tells=False),
    Kind("left-plain", replies=(LATE,), leaves=True, status=499, tells=False),
    Kind("left-stream", fields=STREAM, replies=(SLOW,), words=3, tells=False),
    Kind("left-anthropic", fields={**CLAUDE, **STREAM}, replies=(SLOW,), words=3, tells=False),
    # LiteLLM logs nothing of a text completion that did not come to its end.
    Kind("left-completion", "/completions", STREAM, replies=(SLOW,), words=3, tells=False, rows=0, spans=0),
    Kind("left-response", "/responses", STREAM, replies=(SLOW,), words=3, tells=False),
    Kind("left-reasoned", fields=STREAM, mode="reasoning", replies=(ORDINARY, SLOW), words=3, tells=False, calls=2),
    Kind("auto", mode="auto", calls=2),
    Kind("auto-reasoned", mode="auto", says=COMPUTES, calls=4),
    Kind("auto-failing", mode="auto", replies=(REFUSED,), by=CLASSIFIER, calls=2),
    Kind("reasoned", mode="reasoning", calls=2),
    Kind("reasoned-streamed", fields=USAGE, mode="reasoning", calls=2),
    Kind("tools", mode="reasoning", says=COMPUTES, calls=3),
    Kind("tools-streamed", fields=USAGE, mode="reasoning", says=COMPUTES, calls=3),
]


@dataclass
class Outcome:
    """What a client saw; `usage` and `cost` as it was told them, or None."""

    kind: Kind
    key: str
    session: str
    trace_id: str = field(default_factory=lambda: uuid4().hex)
    status: int = 0
    usage: dict[str, Any] | None = None
    cost: float | None = None
    call_id: str = ""
    """LiteLLM's own, as the answer named it."""


@dataclass(frozen=True)
class Traffic:
    """So many requests, the kinds in turn; the keys change with each round of them, so that each kind comes under each."""

    run: str
    requests: int
    provider: ScriptedProvider

    def script(self) -> None:
        for number in range(self.requests):
            kind = self.kind(number)
            if kind.replies:
                model = {"model": kind.by} if kind.by else {}
                self.provider.script(*kind.replies, repeat_last=not kind.once, contains=self.text(number), **model)

    def kind(self, number: int) -> Kind:
        return KINDS[number % len(KINDS)]

    def text(self, number: int) -> str:
        return f"{self.run} {self.kind(number).name} n{number}n"

    async def send_all(self, apis: Mapping[str, RunningAPI]) -> list[Outcome]:
        """`apis` by the alias of their key."""
        at_once = asyncio.Semaphore(AT_ONCE)
        aliases = list(apis)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as client:

            async def send(number: int) -> Outcome:
                alias = aliases[(number // len(KINDS)) % len(aliases)]
                # An API that moved a session to reasoning would not ask the classifier again: it sees each session once.
                session = f"{self.run}-{self.kind(number).name}-{number // (len(KINDS) * len(aliases))}"
                async with at_once:
                    return await self._send(client, apis[alias], Outcome(self.kind(number), alias, session), number)

            return await asyncio.gather(*map(send, range(self.requests)))

    async def _send(self, client: httpx.AsyncClient, api: RunningAPI, outcome: Outcome, number: int) -> Outcome:
        kind, text = outcome.kind, self.text(number)
        reading = asyncio.create_task(_read_answer(client, self._request(client, api, number, outcome), outcome))
        if kind.leaves:
            await self._reached(client, text)
            reading.cancel()
            outcome.status = kind.status
        await asyncio.gather(reading, return_exceptions=kind.leaves)
        return outcome

    def _request(self, client: httpx.AsyncClient, api: RunningAPI, number: int, outcome: Outcome) -> httpx.Request:
        """The trace's id is the client's, so that a call is found even when its client left before it heard of one."""
        kind = self.kind(number)
        content = f"{kind.says} {self.text(number)} ."
        says: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
        if kind.path in ("/embeddings", "/responses"):
            says = {"input": content}
        elif kind.path == "/completions":
            says = {"prompt": content}
        headers = {
            "traceparent": f"00-{outcome.trace_id}-{uuid4().hex[:16]}-{'01' if kind.sampled else '00'}",
            "x-session-id": outcome.session,
        }
        headers |= {"x-routing-mode": kind.mode} if kind.mode else {}
        body = {"model": "gpt-4o-mini", **says, **kind.fields}
        return client.build_request("POST", f"{api.base_url}{kind.path}", json=body, headers=api.headers | headers)

    async def _reached(self, client: httpx.AsyncClient, text: str) -> None:
        seen = {"contains": text}
        while not (await client.get(f"{self.provider.url}/_requests", params=seen)).json():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def _read_answer(client: httpx.AsyncClient, request: httpx.Request, outcome: Outcome) -> None:
    response = await client.send(request, stream=True)
    kind = outcome.kind
    try:
        outcome.status = response.status_code
        outcome.call_id = response.headers.get("x-litellm-call-id", "")
        if not kind.streams or response.status_code >= 400:
            outcome.usage = from_json(await response.aread()).get("usage")
            outcome.cost = _cost(outcome.usage, response.headers.get("x-litellm-response-cost"))
            return
        read = b""
        async for piece in response.aiter_bytes():
            read += piece
            if kind.words is not None and read.count(b"word") >= kind.words:
                return
        for event in payloads(read):
            outcome.usage = event.get("usage") or (event.get("response") or {}).get("usage") or outcome.usage
        outcome.cost = _cost(outcome.usage, None)
    finally:
        await response.aclose()


def _cost(usage: dict[str, Any] | None, header: str | None) -> float | None:
    """The sum of a reasoned answer stands in its usage; the header of a plain one is that of its one call."""
    if usage and usage.get("cost") is not None:
        return float(usage["cost"])
    return float(header) if header else None
