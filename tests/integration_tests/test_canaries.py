"""Secrets, and with TRACE_CONTENT=off also what was said, driven through every path: found in no trace, log, row or answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import env_file
from local_stack.environments import DEMO_KEY
from local_stack.instance import Instance
from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.ledgers import Ledgers, PhoenixSpan, settled
from tests.support.provider import ScriptedProvider
from tests.support.stack import command

pytestmark = pytest.mark.timeout(600)

SAID = f"said-{uuid4().hex}"
COOKIE, OTHER_KEY = f"cookie-{uuid4().hex}", f"sk-other-{uuid4().hex}"
SECRETS_OF_THE_STACK = (
    "LITELLM_MASTER_KEY",
    "LITELLM_SALT_KEY",
    "LITELLM_POSTGRES_PASSWORD",
    "LITELLM_API_KEY",
    "LITELLM_TEST_KEY",
    "LITELLM_EVAL_KEY",
)
HEADERS = {"cookie": f"session={COOKIE}", "x-api-key": OTHER_KEY, "x-litellm-api-key": OTHER_KEY}
CHAT, STREAM = "/chat/completions", {"stream": True, "stream_options": {"include_usage": True}}


@dataclass(frozen=True)
class Left:
    """What a run with content off has left behind, as text, by place."""

    places: dict[str, str]
    answers: str
    secrets: dict[str, str]
    calls: int


@pytest.fixture(scope="module")
def quiet(stack: Instance) -> Iterator[Instance]:
    """The stack with TRACE_CONTENT=off; afterwards as it was."""
    _switch(stack, "off")
    yield stack
    _switch(stack, "on")


def _switch(stack: Instance, value: str) -> None:
    env_file.set_values(stack.env_file, {"TRACE_CONTENT": value})
    done = command(stack, "up", "--scripted", "--no-first-call")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def left(quiet: Instance, tmp_path_factory: pytest.TempPathFactory) -> Left:
    ledgers, provider = Ledgers.from_now(quiet), ScriptedProvider(quiet.url("demo-provider"))
    directory = tmp_path_factory.mktemp("api")
    settings = {
        "ENABLE_TRACING": "true",
        "TRACE_CONTENT": "off",
        "LOG_LEVEL": "DEBUG",
        "PHOENIX_COLLECTOR_ENDPOINT": quiet.url("phoenix_grpc"),
        "DEMO_TOOLS_URL": quiet.url("demo-tools", "/mcp"),
        "ROUTING_CLASSIFIER_TIMEOUT": "30",
    }
    before = {name: quiet.log(name).stat().st_size for name in ("litellm", "phoenix")}
    key = ledgers.settings["LITELLM_TEST_KEY"]
    with running_api(directory, llm_base_url=quiet.url("litellm"), llm_api_key=key, **settings) as api:
        answers, traces = _drive(api, provider)

    def calls_of_ours() -> list[PhoenixSpan]:
        spans = ledgers.spans("metadata['operation'] is not None and span_kind == 'CHAIN'")
        return [span for span in spans if span.trace_id in traces]

    # Phoenix takes the spans in after they have been sent: what is not there yet could hide a leak.
    settled(lambda: sorted({span.trace_id for span in calls_of_ours()}), len(traces), 60)
    calls = calls_of_ours()
    ledgers.rows_of(*traces, calls=len(calls))
    logs = {name: quiet.log(name).read_text()[size:] for name, size in before.items()}
    spans = json.dumps([span.attributes for span in ledgers.spans() if span.trace_id in traces])
    places = {**logs, "api": api.log.read_text(), "spans": spans, "spend log": _raw_rows(quiet, ledgers, traces)}
    secrets = {name: ledgers.settings[name] for name in SECRETS_OF_THE_STACK}
    secrets |= {"bearer": TOKEN, "cookie": COOKIE, "other key": OTHER_KEY, "provider key": DEMO_KEY}
    return Left(places, answers, secrets, len(calls))


def _drive(api: RunningAPI, provider: ScriptedProvider) -> tuple[str, set[str]]:
    """Every path, and failures of each kind; the answers' texts and the traces."""
    quoting = {
        "status": 401,
        "error": {"message": f"Incorrect API key provided: {DEMO_KEY}", "code": "invalid_api_key"},
    }
    provider.script({"status": 400, "error": {"message": "no"}}, repeat_last=True, contains=f"{SAID} failing")
    provider.script(quoting, repeat_last=True, contains=f"{SAID} refused")
    breaking = {"chunks": ["a ", "b ", "c "], "chunk_delay": 0.05, "fail_after_chunks": 2, "fail": "error_event"}
    provider.script(breaking, repeat_last=True, contains=f"{SAID} breaking")
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (CHAT, _chat("plain"), {}),
        (CHAT, _chat("streamed") | STREAM, {}),
        (
            CHAT,
            _chat("tool") | {"messages": [{"role": "user", "content": f"What is 2+3? {SAID}"}]},
            {"x-routing-mode": "reasoning"},
        ),
        (CHAT, _chat("reasoned") | STREAM, {"x-routing-mode": "reasoning"}),
        (CHAT, _chat("auto"), {"x-routing-mode": "auto"}),
        (CHAT, _chat("failing"), {}),
        (CHAT, _chat("refused"), {}),
        (CHAT, _chat("refused") | STREAM, {"x-routing-mode": "reasoning"}),
        (CHAT, _chat("breaking") | STREAM, {}),
        (CHAT, _chat("key in the body") | {"api_key": OTHER_KEY, "extra_headers": {"authorization": OTHER_KEY}}, {}),
        (CHAT, _chat("no such model") | {"model": "no-such-model"}, {}),
        ("/embeddings", {"model": "text-embedding-3-small", "input": SAID}, {}),
        ("/responses", {"model": "gpt-4o-mini", "input": SAID}, {}),
        ("/completions", {"model": "gpt-4o-mini", "prompt": SAID}, {}),
    ]
    answers = [
        httpx.post(
            f"{api.base_url}{path}", json=body, headers=api.headers | HEADERS | headers, timeout=60, trust_env=False
        )
        for path, body, headers in asked
    ]
    return "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers), {
        answer.headers["x-trace-id"] for answer in answers
    }


def _chat(what: str) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{SAID} {what}"}]}


def _raw_rows(stack: Instance, ledgers: Ledgers, traces: set[str]) -> str:
    """The rows with every column: prompts, answers and requests have columns of their own."""
    now = datetime.now(UTC)
    days = {"start_date": f"{now:%Y-%m-%d}", "end_date": f"{now + timedelta(days=1):%Y-%m-%d}", "summarize": "false"}
    headers = {"authorization": f"Bearer {ledgers.settings['LITELLM_MASTER_KEY']}"}
    answer = httpx.get(f"{stack.url('litellm')}/spend/logs", params=days, headers=headers, timeout=60, trust_env=False)
    rows = answer.raise_for_status().json()
    return json.dumps(
        [row for row in rows if (row["metadata"].get("spend_logs_metadata") or {}).get("trace_id") in traces]
    )


def test_the_run_made_calls_on_every_path(left: Left) -> None:
    assert left.calls >= 14


@pytest.mark.parametrize("place", ["api", "litellm", "phoenix", "spans", "spend log"])
def test_no_secret_is_left_behind(left: Left, place: str) -> None:
    assert [name for name, secret in left.secrets.items() if secret in left.places[place]] == []


def test_no_secret_is_answered(left: Left) -> None:
    assert [name for name, secret in left.secrets.items() if secret in left.answers] == []


@pytest.mark.parametrize("place", ["api", "litellm", "phoenix", "spans", "spend log"])
def test_with_the_switch_off_nothing_that_was_said_is_left_behind(left: Left, place: str) -> None:
    assert SAID not in left.places[place]


def test_with_the_switch_on_spans_and_spend_log_hold_what_was_said(stack: Instance, left: Left, tmp_path: Path) -> None:
    _switch(stack, "on")
    ledgers = Ledgers.from_now(stack)
    settings = {"ENABLE_TRACING": "true", "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc")}
    key = ledgers.settings["LITELLM_TEST_KEY"]
    with running_api(tmp_path, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as api:
        answer = httpx.post(
            f"{api.base_url}{CHAT}", json=_chat("kept"), headers=api.headers, timeout=60, trust_env=False
        )
    trace = answer.headers["x-trace-id"]
    ledgers.rows_of(trace, calls=1)
    [span] = ledgers.spans_of(trace, calls=1)
    assert SAID in json.dumps(span.attributes)
    assert SAID in _raw_rows(stack, ledgers, {trace})
