"""Requests of every kind at once, each kind under three keys: LiteLLM's spend log, Phoenix and the clients agree to the last token.

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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local_stack.instance import Instance
from operations.spend_rows import SpendRow
from tests.integration_tests.litellm_support import production_key
from tests.support.api import running_api
from tests.support.ledgers import Ledgers, PhoenixSpan
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider
from tests.support.traffic import CLASSIFIER, KINDS, Outcome, Traffic

pytestmark = pytest.mark.timeout(900)

ENVIRONMENTS = {"litellm-test": "test", "litellm-eval": "evaluation", "litellm-prod": "production"}
OWN_KEY = "litellm-prod"  # minted for this run: all its rows are the run's
REQUESTS = int(os.environ.get("ATTRIBUTION_REQUESTS", str(len(KINDS) * len(ENVIRONMENTS))))
ROUTING_PATHS = {"passthrough": "passthrough", "reasoning-agent": "reasoning", "routing-classifier": "auto"}
CALL_SPANS = ("chat ", "embeddings ", "text_completion ")


@dataclass
class Books:
    """Everything that was seen of one run, by everyone."""

    run: str
    stack: Instance
    since: datetime
    outcomes: list[Outcome]
    rows: list[SpendRow]
    own_keys_rows: list[SpendRow]
    attempts: list[PhoenixSpan]
    own_spans: list[PhoenixSpan]
    spans: list[PhoenixSpan]
    totals: dict[str, tuple[int, int, float]]
    provider: list[dict[str, Any]]

    @property
    def charged(self) -> list[PhoenixSpan]:
        """The spans that bear tokens."""
        return [span for span in self.attempts if span.tokens]

    def traces(self, *kinds: str) -> set[str]:
        return {outcome.trace_id for outcome in self.outcomes if outcome.kind.name in kinds}

    def rows_of(self, *kinds: str) -> list[SpendRow]:
        traces = self.traces(*kinds)
        return [row for row in self.rows if row.trace_id in traces]

    @property
    def charging(self) -> list[SpendRow]:
        """All rows but those of calls that took too long, for which LiteLLM alone charges."""
        guessed = self.traces("timed-out")
        return [row for row in self.rows if row.trace_id not in guessed]


@pytest.fixture(scope="module")
def books(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Books:
    ledgers, provider = Ledgers.from_now(stack), ScriptedProvider(stack.url("demo-provider"))
    traffic = Traffic(f"run-{uuid4().hex[:12]}", REQUESTS, provider)
    traffic.script()
    with ExitStack() as running:
        directory = tmp_path_factory.mktemp("apis")
        production = running.enter_context(production_key(stack, directory))
        keys = [ledgers.settings["LITELLM_TEST_KEY"], ledgers.settings["LITELLM_EVAL_KEY"], production]
        apis = {
            alias: running.enter_context(_api(stack, directory, key))
            for alias, key in zip(ENVIRONMENTS, keys, strict=True)
        }
        outcomes = asyncio.run(traffic.send_all(apis))
    return _read(ledgers, traffic, outcomes)


def _api(stack: Instance, directory: Path, key: str) -> Any:
    settings = {
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "DEMO_TOOLS_URL": stack.url("demo-tools", "/mcp"),
        "ROUTING_CLASSIFIER_MODEL": CLASSIFIER,
        "ROUTING_CLASSIFIER_TIMEOUT": "60",
        "LOG_LEVEL": "WARNING",
    }
    return running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings)


def _read(ledgers: Ledgers, traffic: Traffic, outcomes: list[Outcome]) -> Books:
    """Both ledgers once they hold still: LiteLLM writes its log in batches, Phoenix takes spans in as it comes to it."""
    received = _until_ended(traffic.provider, traffic.run)
    traces = {outcome.trace_id: outcome for outcome in outcomes}
    expected = tuple(sum(outcome.kind.counts[place] for outcome in outcomes) for place in (0, 2, 3))
    deadline, sizes = time.monotonic() + 90, (-1, -1, -1)
    while True:
        calls = ledgers.spans("span_kind == 'CHAIN' and metadata['operation'] is not None")
        made = [span for span in calls if span.trace_id in traces]
        logged = ledgers.rows()
        rows = [row for row in logged if row.trace_id in traces]
        attempts = [span for span in ledgers.calls() if span.trace_id in traces]
        before, sizes = sizes, (len(made), len(rows), len(attempts))
        if sizes == before == expected or time.monotonic() > deadline:
            spans = [span for span in ledgers.spans() if span.trace_id in traces]
            own_keys = [row for row in logged if row.key == OWN_KEY]
            totals = ledgers.totals([*traces])
            return Books(
                traffic.run, ledgers.stack, ledgers.since, outcomes, rows, own_keys, attempts, made, spans, totals, received
            )  # fmt: skip
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


def _by_kind(books: Books, traces: Iterable[str]) -> Counter[str]:
    kinds = {outcome.trace_id: outcome.kind.name for outcome in books.outcomes}
    return Counter(kinds[trace] for trace in traces)


def _expected(books: Books, place: int) -> Counter[str]:
    counted = Counter[str]()
    for outcome in books.outcomes:
        counted[outcome.kind.name] += outcome.kind.counts[place]
    return counted


def test_every_kind_came_under_every_key(books: Books) -> None:
    sent = {(outcome.kind.name, outcome.key) for outcome in books.outcomes}
    assert sent == {(kind.name, key) for kind in KINDS for key in ENVIRONMENTS}


def test_every_kind_of_request_ended_as_it_should(books: Books) -> None:
    ended = {(outcome.kind.name, outcome.status) for outcome in books.outcomes}
    assert ended == {(kind.name, kind.status) for kind in KINDS}


def test_every_call_has_a_span_of_ours(books: Books) -> None:
    assert _by_kind(books, (span.trace_id for span in books.own_spans)) == _expected(books, 0)


def test_every_attempt_reached_the_provider(books: Books) -> None:
    assert len(books.provider) == _expected(books, 1).total()


def test_every_call_has_its_rows(books: Books) -> None:
    assert _by_kind(books, (row.trace_id for row in books.rows)) == _expected(books, 2)


def test_every_call_has_its_spans_of_litellm(books: Books) -> None:
    assert _by_kind(books, (span.trace_id for span in books.attempts)) == _expected(books, 3)


def test_every_row_that_used_tokens_has_one_span_that_bears_them(books: Books) -> None:
    assert Counter(row.trace_id for row in books.rows if row.tokens) == Counter(span.trace_id for span in books.charged)


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
    assert _sums(books.charging, of_row) == _sums(books.charged, of_span)


def _all_sums(rows: Iterable[SpendRow]) -> dict[str, tuple[int, int, float]]:
    """Prompt tokens, completion tokens and dollars of each trace."""
    summed: dict[str, tuple[int, int, float]] = {}
    for row in rows:
        prompt, completion, cost = summed.get(row.trace_id, (0, 0, 0.0))
        summed[row.trace_id] = prompt + row.prompt_tokens, completion + row.completion_tokens, cost + row.cost
    return summed


def test_phoenix_sums_each_trace_as_litellm_does(books: Books) -> None:
    logged = _all_sums(books.charging)
    assert {trace: books.totals.get(trace) for trace in logged} == {
        trace: pytest.approx(sums, rel=0, abs=1e-12) for trace, sums in logged.items()
    }


def test_a_call_whose_caller_names_another_model_to_try_is_one_row_under_its_own(books: Books) -> None:
    named = {outcome.trace_id for outcome in books.outcomes if outcome.kind.name == "fallback"}
    models = [row.model for row in books.rows if row.trace_id in named]
    assert models == ["gpt-4o-mini"] * len(named)


def _reported(books: Books, name: str) -> dict[str, tuple[int, int, float]]:
    """Calls, tokens and dollars of the run by this, as `make usage` prints them; the run is known by its sessions."""
    since = books.since.strftime("%Y-%m-%dT%H:%M:%S")
    options = ["--state-dir", str(books.stack.state), "--since", since, "--by", f"session,{name}", "--format", "json"]
    command = [sys.executable, "-m", "operations.usage", *options]
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


def test_clients_were_told_what_they_should_be(books: Books) -> None:
    told = {(outcome.kind.name, outcome.usage is not None) for outcome in books.outcomes}
    assert told == {(kind.name, kind.tells) for kind in KINDS}


def test_a_client_was_told_the_tokens_and_the_cost_of_all_its_calls(books: Books) -> None:
    """Those of its answer: what the classifier used is in the ledgers alone. Anthropic's streams have no place for a cost."""
    used = _all_sums(row for row in books.rows if row.component != "routing-classifier")
    told = {outcome.trace_id: _told(outcome, used) for outcome in books.outcomes if outcome.kind.tells}
    assert told == {trace: pytest.approx(used[trace], rel=0, abs=1e-12) for trace in told}


def _told(outcome: Outcome, used: dict[str, tuple[int, int, float]]) -> tuple[int, int, float]:
    usage = outcome.usage or {}
    prompt = usage["input_tokens"] if "input_tokens" in usage else usage["prompt_tokens"]
    completion = usage["output_tokens"] if "output_tokens" in usage else usage.get("completion_tokens", 0)
    if not outcome.kind.costs:
        return prompt, completion, used[outcome.trace_id][2]
    return prompt, completion, math.nan if outcome.cost is None else outcome.cost


def test_only_the_spans_of_single_calls_bear_tokens_or_cost(books: Books) -> None:
    bearing = [span for span in books.spans if span.tokens or span.cost or span.litellm_cost]
    assert {(span.trace_id, span.name) for span in bearing} == {(span.trace_id, span.name) for span in books.charged}
    assert [span.name for span in bearing if not span.name.startswith(CALL_SPANS)] == []
    assert len(bearing) == len(books.charged)


def test_no_row_is_untagged(books: Books) -> None:
    for row in books.rows:
        assert sorted(row.tags) == [
            f"component:{row.component}",
            f"environment:{ENVIRONMENTS[row.key]}",
            f"operation:{row.operation}",
            f"routing_path:{ROUTING_PATHS[row.component]}",
        ]


def test_a_row_names_its_user(books: Books) -> None:
    assert [row for row in books.rows if not row.end_user.startswith("token-")] == []


def test_a_row_names_its_session_and_its_caller(books: Books) -> None:
    for row in books.rows:
        assert row.session.startswith(books.run)
        assert row.caller == row.end_user


def test_no_attempt_is_untagged(books: Books) -> None:
    keys = {outcome.trace_id: outcome for outcome in books.outcomes}
    for span in books.attempts:
        outcome = keys[span.trace_id]
        assert (
            span.metadata.items()
            >= {
                "routing_path": ROUTING_PATHS[span.metadata["component"]],
                "environment": ENVIRONMENTS[outcome.key],
                "user_api_key_alias": outcome.key,
                "session_id": outcome.session,
            }.items()
        )
        assert span.metadata["end_user"].startswith("token-")
        assert span.metadata["operation"]


def test_a_key_has_no_rows_but_those_of_the_calls(books: Books) -> None:
    mine = [row.request_id for row in books.rows if row.key == OWN_KEY]
    assert sorted(row.request_id for row in books.own_keys_rows) == sorted(mine)


def test_each_keys_calls_carry_its_environment(books: Books) -> None:
    keys = {outcome.trace_id: outcome.key for outcome in books.outcomes}
    assert [
        row for row in books.rows if (row.key, row.environment) != (keys[row.trace_id], ENVIRONMENTS[row.key])
    ] == []


def test_a_call_whose_client_left_is_marked_cut(books: Books) -> None:
    left = {outcome.trace_id for outcome in books.outcomes if outcome.kind.left}
    assert {span.trace_id for span in books.own_spans if span.attributes.get("call", {}).get("cut")} == left


def test_a_stream_whose_client_left_is_logged_with_what_it_had_used(books: Books) -> None:
    cut = Counter(row.trace_id for row in books.rows if row.cut)
    assert cut == dict.fromkeys(books.traces("left-stream", "left-anthropic", "left-reasoned", "left-plain"), 1)
    streams = ("left-stream", "left-anthropic", "left-reasoned", "left-response", "left-message")
    left = [row for row in books.rows_of(*streams) if row.cut or not row.failed]
    assert all(row.completion_tokens > 0 and row.cost > 0 for row in left)


def test_a_plain_call_whose_client_left_is_charged_no_guess(books: Books) -> None:
    rows = books.rows_of("left-plain")
    assert {(row.failed, row.cut, row.tokens, row.cost) for row in rows} == {(True, True, 0, 0)}


def test_a_text_completion_whose_client_left_is_found_by_our_span_alone(books: Books) -> None:
    left = {span.trace_id for span in books.own_spans if span.attributes.get("call", {}).get("cut")}
    assert left >= set(books.traces("left-completion"))


def test_a_broken_stream_is_logged_as_failed_with_what_it_had_used(books: Books) -> None:
    assert all(row.failed and row.completion_tokens > 0 and row.cost > 0 for row in books.rows_of("broken", "dropped"))


def test_a_message_that_broke_off_is_logged_with_what_litellm_counted_of_it(books: Books) -> None:
    """As one that succeeded, which our span alone knows better."""
    assert all(row.completion_tokens > 0 and row.cost > 0 for row in books.rows_of("broken-message"))


def test_a_stream_whose_client_did_not_ask_for_the_usage_is_charged_like_any(books: Books) -> None:
    rows = books.rows_of("streamed", "completion-streamed")
    assert all(row.prompt_tokens > 0 and row.completion_tokens > 0 and row.cost > 0 for row in rows)


def test_a_call_whose_provider_took_too_long_costs_nothing(books: Books) -> None:
    assert {(row.failed, row.cost) for row in books.rows_of("timed-out")} == {(True, 0)}
    traces = books.traces("timed-out")
    assert {(span.tokens, span.cost) for span in books.attempts if span.trace_id in traces} == {(0, 0)}
