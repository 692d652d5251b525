"""Requests of every kind at once under three keys: LiteLLM's spend log, Phoenix and the clients agree to the last token.

ATTRIBUTION_REQUESTS sets how many; `make attribution_test` sends a thousand.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic_core import from_json

from api.sse import payloads
from local_stack.instance import Instance
from local_stack.spend_rows import SpendRow
from tests.integration_tests.litellm_support import production_key
from tests.support.api import RunningAPI, running_api
from tests.support.ledgers import Ledgers, PhoenixSpan
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider

pytestmark = pytest.mark.timeout(900)

REQUESTS = int(os.environ.get("ATTRIBUTION_REQUESTS", "198"))
AT_ONCE = 32
SLOW = {"chunks": [f"word{number} " for number in range(400)], "chunk_delay": 0.05}
ENVIRONMENTS = {"litellm-test": "test", "litellm-eval": "evaluation", "litellm-prod": "production"}


@dataclass(frozen=True)
class Kind:
    """One kind of request. `reads`: events before its client leaves; None reads all. `leaves`: once the provider has it."""

    name: str
    path: str = "/chat/completions"
    fields: dict[str, Any] = field(default_factory=dict)
    mode: str | None = None
    reads: int | None = None
    leaves: bool = False


STREAM = {"stream": True}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
KINDS = [
    Kind("plain"),
    Kind("streamed", fields=STREAM),
    Kind("usage", fields=USAGE),
    Kind("embedding", "/embeddings", {"model": "text-embedding-3-small"}),
    Kind("response", "/responses"),
    Kind("response-streamed", "/responses", STREAM),
    Kind("completion", "/completions", USAGE),
    Kind("custom-price", fields={"model": "o1-mini"}),
    Kind("anthropic", fields={"model": "claude-haiku-4-5", **USAGE}),
    Kind("failing"),
    Kind("retried"),
    Kind("fallback", fields={"fallbacks": ["claude-haiku-4-5"]}),
    Kind("fallback-streamed", fields={"fallbacks": ["claude-haiku-4-5"], **USAGE}),
    Kind("left-stream", fields=STREAM, reads=3),
    Kind("left-plain", leaves=True),
    Kind("auto", mode="auto"),
    Kind("reasoned", mode="reasoning"),
    Kind("reasoned-streamed", fields=USAGE, mode="reasoning"),
]

# LiteLLM asks the same model again after a 500, and the next one in the list of fallbacks after a 400.
FAILING_ONCE = {"retried": 500, "fallback": 400, "fallback-streamed": 400}


@dataclass
class Outcome:
    """What a client saw; `usage` as it was told, or None."""

    kind: str
    key: str
    status: int = 0
    trace_id: str = ""
    usage: dict[str, Any] | None = None


@dataclass
class Books:
    """Everything that was seen of one run, by everyone."""

    run: str
    stack: Instance
    since: datetime
    outcomes: list[Outcome]
    rows: list[SpendRow]
    attempts: list[PhoenixSpan]
    own_spans: list[PhoenixSpan]
    provider: list[dict[str, Any]]

    @property
    def charged(self) -> list[PhoenixSpan]:
        """The spans that bear tokens."""
        return [span for span in self.attempts if span.tokens]


@pytest.fixture(scope="module")
def books(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Books:
    ledgers, provider = Ledgers.from_now(stack), ScriptedProvider(stack.url("demo-provider"))
    run = f"run-{uuid4().hex[:12]}"
    _script(provider, run)
    with ExitStack() as running:
        directory = tmp_path_factory.mktemp("apis")
        production = running.enter_context(production_key(stack, directory))
        keys = [ledgers.settings["LITELLM_TEST_KEY"], ledgers.settings["LITELLM_EVAL_KEY"], production]
        apis = {
            alias: running.enter_context(_api(stack, directory, key))
            for alias, key in zip(ENVIRONMENTS, keys, strict=True)
        }
        outcomes = asyncio.run(_send_all(apis, provider, run))
    traces = {outcome.trace_id for outcome in outcomes}
    return _read(ledgers, provider, run, outcomes, traces)


def _api(stack: Instance, directory: Path, key: str) -> Any:
    settings = {
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "DEMO_TOOLS_URL": stack.url("demo-tools", "/mcp"),
        "ROUTING_CLASSIFIER_TIMEOUT": "60",
        "LOG_LEVEL": "WARNING",
        "OTEL_BSP_MAX_QUEUE_SIZE": "20000",
    }
    return running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings)


def _script(provider: ScriptedProvider, run: str) -> None:
    """By what a request says it is. A call that fails just once is told apart by its number."""
    provider.script({"status": 400, "error": {"message": "no"}}, repeat_last=True, contains=f"{run} failing")
    provider.script(SLOW, repeat_last=True, contains=f"{run} left-stream")
    provider.script({"content": "late", "delay": 3.0}, repeat_last=True, contains=f"{run} left-plain")
    for number in range(REQUESTS):
        name = KINDS[number % len(KINDS)].name
        if status := FAILING_ONCE.get(name):
            provider.script({"status": status, "error": {"message": "once"}}, contains=f"{run} {name} {number} ")


async def _send_all(apis: dict[str, RunningAPI], provider: ScriptedProvider, run: str) -> list[Outcome]:
    at_once = asyncio.Semaphore(AT_ONCE)
    aliases = list(apis)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def send(number: int) -> Outcome:
            kind, alias = KINDS[number % len(KINDS)], aliases[number % len(aliases)]
            async with at_once:
                return await _send(client, provider, apis[alias], alias, kind, f"{run} {kind.name} {number} .")

        return await asyncio.gather(*map(send, range(REQUESTS)))


async def _send(
    client: httpx.AsyncClient, provider: ScriptedProvider, api: RunningAPI, alias: str, kind: Kind, text: str
) -> Outcome:
    """The trace's id is the client's, so that a call is found even when its client left before it heard of one."""
    outcome = Outcome(kind.name, alias, trace_id=uuid4().hex)
    says: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
    if kind.path in ("/embeddings", "/responses"):
        says = {"input": text}
    elif kind.path == "/completions":
        says = {"prompt": text}
    headers = {
        "traceparent": f"00-{outcome.trace_id}-{uuid4().hex[:16]}-01",
        "x-session-id": f"{text.split()[0]}-{kind.name}",
    }
    headers |= {"x-routing-mode": kind.mode} if kind.mode else {}
    request = client.build_request(
        "POST",
        f"{api.base_url}{kind.path}",
        json={"model": "gpt-4o-mini", **says, **kind.fields},
        headers=api.headers | headers,
    )
    reading = asyncio.create_task(_read_answer(client, request, kind, outcome))
    if kind.leaves:
        await _reached(client, provider, text)
        reading.cancel()
        outcome.status = 499
    await asyncio.gather(reading, return_exceptions=kind.leaves)
    return outcome


async def _reached(client: httpx.AsyncClient, provider: ScriptedProvider, text: str) -> None:
    while not (await client.get(f"{provider.url}/_requests", params={"contains": text})).json():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)


async def _read_answer(client: httpx.AsyncClient, request: httpx.Request, kind: Kind, outcome: Outcome) -> None:
    response = await client.send(request, stream=True)
    try:
        outcome.status = response.status_code
        if not kind.fields.get("stream"):
            outcome.usage = from_json(await response.aread()).get("usage")
            return
        read = b""
        async for piece in response.aiter_bytes():
            read += piece
            if kind.reads is not None and read.count(b"\n\n") >= kind.reads:
                return
        for event in payloads(read):
            outcome.usage = event.get("usage") or (event.get("response") or {}).get("usage") or outcome.usage
    finally:
        await response.aclose()


def _read(ledgers: Ledgers, provider: ScriptedProvider, run: str, outcomes: list[Outcome], traces: set[str]) -> Books:
    """Both ledgers once they hold still: LiteLLM writes its log in batches, Phoenix takes spans in as it comes to it."""
    received = _until_ended(provider, run)
    deadline, sizes = time.monotonic() + 90, (-1, -1, -1)
    while True:
        calls = ledgers.spans("span_kind == 'CHAIN' and metadata['operation'] is not None")
        made = [span for span in calls if span.trace_id in traces]
        rows = [row for row in ledgers.rows() if row.trace_id in traces]
        attempts = [span for span in ledgers.calls() if span.trace_id in traces]
        complete = len(made) == len(rows) and len(attempts) == len(received)
        before, sizes = sizes, (len(made), len(rows), len(attempts))
        if (complete and sizes == before) or time.monotonic() > deadline:
            return Books(run, ledgers.stack, ledgers.since, outcomes, rows, attempts, made, received)
        time.sleep(3)


def _until_ended(provider: ScriptedProvider, run: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 30
    while any(request["outcome"] == "in_progress" for request in provider.requests(contains=run)):
        assert time.monotonic() < deadline, "The provider is still answering."
        time.sleep(0.5)
    return provider.requests(contains=run)


def _sums(items: Iterable[Any], by: Callable[[Any], Any]) -> dict[Any, tuple[int, int, float]]:
    """Prompt tokens, completion tokens and dollars of each group that has any."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(by(item), []).append(item)
    return {
        name: (
            sum(item.prompt_tokens for item in group),
            sum(item.completion_tokens for item in group),
            round(math.fsum(_cost(item) for item in group), 12),
        )
        for name, group in groups.items()
        if any(item.tokens for item in group)
    }


def _cost(item: SpendRow | PhoenixSpan) -> float:
    return item.litellm_cost if isinstance(item, PhoenixSpan) else item.cost


def test_every_kind_of_request_ended_as_it_should(books: Books) -> None:
    expected = {kind.name: 200 for kind in KINDS} | {"failing": 400, "left-plain": 499}
    assert {(outcome.kind, outcome.status) for outcome in books.outcomes} == set(expected.items())


def test_every_call_has_one_row(books: Books) -> None:
    assert Counter(row.trace_id for row in books.rows) == Counter(span.trace_id for span in books.own_spans)


def test_every_attempt_at_the_provider_has_one_span(books: Books) -> None:
    assert len(books.attempts) == len(books.provider)


def test_every_row_that_used_tokens_has_one_span_that_bears_them(books: Books) -> None:
    assert len([row for row in books.rows if row.tokens]) == len(books.charged)


@pytest.mark.parametrize(
    ("of_row", "of_span"),
    [
        (lambda row: row.trace_id, lambda span: span.trace_id),
        (lambda row: row.component, lambda span: span.metadata.get("component")),
        (lambda row: row.operation, lambda span: span.metadata.get("operation")),
        (lambda row: row.environment, lambda span: span.metadata.get("environment")),
        (lambda row: row.key, lambda span: span.metadata.get("user_api_key_alias")),
    ],
    ids=["trace", "component", "operation", "environment", "key"],
)
def test_tokens_and_dollars_are_the_same_in_both_ledgers(
    books: Books, of_row: Callable[[SpendRow], str], of_span: Callable[[PhoenixSpan], str]
) -> None:
    assert _sums(books.rows, of_row) == _sums(books.charged, of_span)


def test_phoenix_prices_each_trace_as_litellm_does(books: Books) -> None:
    priced: dict[str, float] = {}
    for span in books.attempts:
        priced[span.trace_id] = priced.get(span.trace_id, 0) + span.cost
    spent: dict[str, float] = {}
    for row in books.rows:
        spent[row.trace_id] = spent.get(row.trace_id, 0) + row.cost
    assert {trace: priced.get(trace, 0) for trace in spent} == pytest.approx(spent, abs=1e-12)


def test_a_call_that_fell_back_is_one_row_under_the_model_that_answered(books: Books) -> None:
    fell_back = {outcome.trace_id for outcome in books.outcomes if outcome.kind.startswith("fallback")}
    models = [row.model for row in books.rows if row.trace_id in fell_back]
    assert models == ["claude-haiku-4-5"] * len(fell_back)


def test_an_attempt_before_a_fallback_has_a_span_that_costs_nothing(books: Books) -> None:
    fell_back = {outcome.trace_id for outcome in books.outcomes if outcome.kind.startswith("fallback")}
    failed = [span for span in books.attempts if span.trace_id in fell_back and span.failed]
    assert [(span.name, span.tokens, span.cost) for span in failed] == [("chat gpt-4o-mini", 0, 0)] * len(fell_back)


def _reported(books: Books, name: str) -> dict[str, tuple[int, int, float]]:
    """Calls, tokens and dollars of the run by this, as `make usage` prints them; the run is known by its sessions."""
    since = books.since.strftime("%Y-%m-%dT%H:%M:%S")
    options = ["--state-dir", str(books.stack.state), "--since", since, "--by", f"session,{name}", "--format", "json"]
    command = [sys.executable, "-m", "local_stack.usage", *options]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout
    groups = [group for group in json.loads(printed)["groups"] if group["session"].startswith(books.run)]
    sums: dict[str, tuple[int, int, float]] = {}
    for group in groups:
        calls, tokens, cost = sums.get(group[name], (0, 0, 0.0))
        sums[group[name]] = calls + group["calls"], tokens + group["tokens"], cost + group["cost"]
    return sums


@pytest.mark.parametrize("name", ["environment", "component", "operation", "model"])
def test_the_usage_report_is_the_spend_log(books: Books, name: str) -> None:
    groups: dict[str, list[SpendRow]] = {}
    for row in books.rows:
        groups.setdefault(getattr(row, name), []).append(row)
    logged = {
        group: (len(rows), sum(row.tokens for row in rows), math.fsum(row.cost for row in rows))
        for group, rows in groups.items()
    }
    # The report rounds dollars to ten digits.
    assert _reported(books, name) == {group: pytest.approx(sums, rel=0, abs=1e-8) for group, sums in logged.items()}


def test_a_client_was_told_the_tokens_of_all_its_calls(books: Books) -> None:
    told = {outcome.trace_id: outcome.usage for outcome in books.outcomes if outcome.usage and outcome.kind != "auto"}
    used = Counter[str]()
    for row in books.rows:
        used[row.trace_id] += row.tokens
    assert {trace: used[trace] for trace in told} == {trace: usage["total_tokens"] for trace, usage in told.items()}


def test_no_span_of_ours_bears_tokens(books: Books) -> None:
    assert [span for span in books.own_spans if span.tokens or span.cost] == []


def test_nothing_is_untagged(books: Books) -> None:
    for row in books.rows:
        assert {f"component:{row.component}", f"operation:{row.operation}", f"environment:{row.environment}"} <= {
            *row.tags
        }
        assert row.end_user.startswith("token-")
        assert row.session.startswith(books.run)


def test_each_keys_calls_carry_its_environment(books: Books) -> None:
    assert {row.key: row.environment for row in books.rows} == ENVIRONMENTS


def test_a_call_whose_client_left_is_marked_cut(books: Books) -> None:
    left = {outcome.trace_id for outcome in books.outcomes if outcome.kind.startswith("left-")}
    assert {span.trace_id for span in books.own_spans if span.attributes.get("call", {}).get("cut")} == left


def test_a_stream_whose_client_left_is_logged_with_what_it_had_used(books: Books) -> None:
    left = {outcome.trace_id for outcome in books.outcomes if outcome.kind == "left-stream"}
    rows = [row for row in books.rows if row.trace_id in left]
    assert len(rows) == len(left)
    assert all(row.cut and row.completion_tokens > 0 and row.cost > 0 for row in rows)
