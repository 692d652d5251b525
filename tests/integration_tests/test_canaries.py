"""Secrets, and with TRACE_CONTENT=off also what was said, driven through every path: found in no trace, log, row or answer.

With TRACE_CONTENT=on the same run leaves what was said behind, or nothing would be shown by not finding it.
"""

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
from operations.spend_rows import SpendRow
from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.ledgers import Ledgers, PhoenixSpan, settled
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import finished, said, tool, use
from tests.support.stack import command

pytestmark = pytest.mark.timeout(600)

# One word, so that searching for it finds nothing and says so.
SAID = f"said{uuid4().hex}"
# What a provider says of a failure, which may quote the prompt.
QUOTED = f"quoted{uuid4().hex}"
COOKIE, OTHER_KEY, WRONG_TOKEN = f"cookie-{uuid4().hex}", f"sk-other-{uuid4().hex}", f"wrong-{uuid4().hex}"
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
REASONING, AUTO = {"x-routing-mode": "reasoning"}, {"x-routing-mode": "auto"}
LOGS = ("litellm", "phoenix", "postgres", "demo-tools", "supervisord")
# Where nothing may stand that was said, whoever said it.
OURS = ("api", "metrics", "our spans", *(name for name in LOGS if name != "litellm"))
# LiteLLM has no switch for the errors of its providers: docs/observability.md says so.
LITELLMS = ("litellm", "LiteLLM's spans", "spend log")
CALLS, ROWS = 27, 27
# Ours, and those of kind LLM of LiteLLM: of each call its request, its route and each of its attempts.
TELLING_SPANS = 145
# Our spans and LiteLLM's, by name, and what is on some span of that name where content may be.
TELLING = [
    ("POST /v1/chat/completions", SAID),
    ("POST /v1/chat/completions", QUOTED),
    ("POST /v1/completions", SAID),
    ("POST /v1/embeddings", SAID),
    ("POST /v1/responses", SAID),
    ("reasoning-agent", SAID),
    ("reasoning-agent", QUOTED),
    ("step 1", QUOTED),
    ("reasoning-agent.step_generation", QUOTED),
    ("passthrough.chat", QUOTED),
    ("routing-classifier.auto_routing", QUOTED),
    ("search_docs", SAID),
    ("fail", SAID),
    ("unknown", f"no_{SAID}"),
    ("chat gpt-4o-mini", SAID),
]


@dataclass(frozen=True)
class Left:
    """What a run has left behind: the spans, and as text, by place, everything."""

    spans: list[PhoenixSpan]
    places: dict[str, str]
    answers: str
    secrets: dict[str, str]
    counted: dict[str, int]

    def named(self, name: str) -> list[PhoenixSpan]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture(scope="module")
def left(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """With TRACE_CONTENT=off; afterwards the stack is as it was."""
    _switch(stack, "off")
    yield _run(stack, tmp_path_factory.mktemp("off"), "off")
    _switch(stack, "on")


@pytest.fixture(scope="module")
def kept(stack: Instance, left: Left, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """The same with TRACE_CONTENT=on."""
    _switch(stack, "on")
    return _run(stack, tmp_path_factory.mktemp("on"), "on")


def _switch(stack: Instance, value: str) -> None:
    env_file.set_values(stack.env_file, {"TRACE_CONTENT": value})
    done = command(stack, "up", "--scripted", "--no-first-call")
    assert done.returncode == 0, done.stderr


def _run(stack: Instance, directory: Path, content: str) -> Left:
    ledgers, provider = Ledgers.from_now(stack), ScriptedProvider(stack.url("demo-provider"))
    settings = {
        "ENABLE_TRACING": "true",
        "TRACE_CONTENT": content,
        "LOG_LEVEL": "DEBUG",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "DEMO_TOOLS_URL": stack.url("demo-tools", "/mcp"),
        "ROUTING_CLASSIFIER_TIMEOUT": "30",
    }
    before = {name: stack.log(name).stat().st_size for name in LOGS}
    key = ledgers.settings["LITELLM_TEST_KEY"]
    with running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as api:
        _script(provider, content)
        answers = _drive(api, content)
        metrics = httpx.get(f"{api.url}/metrics", headers=api.headers, trust_env=False).raise_for_status().text
    traces = {answer.headers["x-trace-id"] for answer in answers if "x-trace-id" in answer.headers}

    def telling() -> list[PhoenixSpan]:
        return [span for span in ledgers.spans() if span.trace_id in traces and (_is_ours(span) or span.kind == "llm")]

    # Each process sends its spans when it likes, and Phoenix takes them in later: what is not there yet could hide a leak.
    found = settled(telling, TELLING_SPANS, 60)
    rows = ledgers.rows_of(*traces, calls=ROWS)
    spans = [span for span in ledgers.spans() if span.trace_id in traces]
    places = {name: stack.log(name).read_text()[size:] for name, size in before.items()}
    places |= {
        "api": api.log.read_text(),
        "metrics": metrics,
        "our spans": "\n".join(span.text for span in spans if _is_ours(span)),
        "LiteLLM's spans": "\n".join(span.text for span in spans if not _is_ours(span)),
        "spend log": _raw_rows(stack, ledgers, traces),
    }
    secrets = {name: ledgers.settings[name] for name in SECRETS_OF_THE_STACK}
    secrets |= {"bearer": TOKEN, "wrong bearer": WRONG_TOKEN, "cookie": COOKIE, "other key": OTHER_KEY}
    told = "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers)
    return Left(spans, places, told, secrets | {"provider key": DEMO_KEY}, _counted(found, rows))


def _is_ours(span: PhoenixSpan) -> bool:
    return span.kind in ("chain", "agent", "tool")


def _counted(spans: list[PhoenixSpan], rows: list[SpendRow]) -> dict[str, int]:
    calls = [span for span in spans if span.kind == "chain" and "operation" in span.metadata]
    return {"calls": len(calls), "spans": len(spans), "rows": len(rows)}


def _script(provider: ScriptedProvider, run: str) -> None:
    """How the provider answers each of the requests that `_drive` makes."""

    def script(what: str, *replies: dict[str, Any]) -> None:
        provider.script(*replies, repeat_last=True, contains=_asked(run, what))

    fails = {"status": 400, "error": {"message": f"not with {QUOTED}"}}
    tools = [tool("search_docs", query=SAID), tool("fail", message=SAID), tool(f"no_{SAID}", why=SAID)]
    script("plain", said(SAID))
    script("tools", use(*tools, thought=SAID, concurrent=True), finished(SAID), said(SAID))
    script("stepless", said(f"{SAID} is no step"))
    script("chosen", {"json": {"reason": f"because of {SAID}", "mode": "passthrough"}}, said(SAID))
    script("unchosen", fails, said(SAID))
    script("failing", fails)
    script(
        "refused",
        {"status": 401, "error": {"message": f"Incorrect API key provided: {DEMO_KEY}", "code": "invalid_api_key"}},
    )
    broken = {"chunks": [SAID, "b ", "c "], "chunk_delay": 0.05, "fail_after_chunks": 2}
    script("breaking", broken | {"fail": "error_event", "error": {"message": QUOTED}})
    script("cut", {"chunks": [SAID] * 100, "chunk_delay": 0.1})
    script("retried", {"status": 500, "error": {"message": QUOTED}}, said(SAID))


def _drive(api: RunningAPI, run: str) -> list[httpx.Response]:
    """Every path, and failures of each kind."""
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (CHAT, _chat(run, "plain"), {}),
        (CHAT, _chat(run, "plain") | STREAM, {}),
        (CHAT, _chat(run, "tools"), REASONING),
        (CHAT, _chat(run, "stepless"), REASONING),
        (CHAT, _chat(run, "reasoned") | STREAM, REASONING),
        (CHAT, _chat(run, "chosen"), AUTO),
        (CHAT, _chat(run, "unchosen"), AUTO),
        (CHAT, _chat(run, "failing"), {}),
        (CHAT, _chat(run, "failing") | STREAM, {}),
        (CHAT, _chat(run, "failing"), REASONING),
        (CHAT, _chat(run, "failing") | STREAM, REASONING),
        (CHAT, _chat(run, "refused"), {}),
        (CHAT, _chat(run, "refused") | STREAM, REASONING),
        (CHAT, _chat(run, "breaking") | STREAM, {}),
        (CHAT, _chat(run, "retried"), {}),
        (
            CHAT,
            _chat(run, "key in the body") | {"api_key": OTHER_KEY, "extra_headers": {"authorization": OTHER_KEY}},
            {},
        ),
        (CHAT, _chat(run, "no such model") | {"model": "no-such-model"}, {}),
        (CHAT, _chat(run, "wrong token"), {"authorization": f"Bearer {WRONG_TOKEN}"}),
        ("/embeddings", {"model": "text-embedding-3-small", "input": SAID}, {}),
        ("/responses", {"model": "gpt-4o-mini", "input": SAID}, {}),
        ("/completions", {"model": "gpt-4o-mini", "prompt": SAID}, {}),
    ]
    with httpx.Client(base_url=api.base_url, headers=api.headers | HEADERS, timeout=60, trust_env=False) as client:
        answers = [client.post(path.lstrip("/"), json=body, headers=headers) for path, body, headers in asked]
        with client.stream("POST", CHAT.lstrip("/"), json=_chat(run, "cut") | STREAM) as cut:
            next(cut.iter_lines())
        return [*answers, httpx.Response(cut.status_code, headers=cut.headers)]


def _chat(run: str, what: str) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": _asked(run, what)}]}


def _asked(run: str, what: str) -> str:
    """Told apart by run, since a script goes on where the last run left it."""
    return f"{SAID} {run}: {what}"


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


def test_the_run_made_calls_on_every_path(left: Left, kept: Left) -> None:
    made = {"calls": CALLS, "spans": TELLING_SPANS, "rows": ROWS}
    assert (left.counted, kept.counted) == (made, made)


@pytest.mark.parametrize("place", [*OURS, *LITELLMS])
@pytest.mark.parametrize("run", ["left", "kept"])
def test_no_secret_is_left_behind(request: pytest.FixtureRequest, run: str, place: str) -> None:
    ran: Left = request.getfixturevalue(run)
    assert [name for name, secret in ran.secrets.items() if secret in ran.places[place]] == []


@pytest.mark.parametrize("run", ["left", "kept"])
def test_no_secret_is_answered(request: pytest.FixtureRequest, run: str) -> None:
    ran: Left = request.getfixturevalue(run)
    assert [name for name, secret in ran.secrets.items() if secret in ran.answers] == []


@pytest.mark.parametrize("place", [*OURS, *LITELLMS])
def test_with_the_switch_off_nothing_that_was_said_is_left_behind(left: Left, place: str) -> None:
    assert SAID not in left.places[place]


@pytest.mark.parametrize("place", OURS)
def test_with_the_switch_off_nothing_of_ours_holds_what_a_provider_said_of_a_failure(left: Left, place: str) -> None:
    assert QUOTED not in left.places[place]


@pytest.mark.parametrize("place", LITELLMS)
def test_litellm_keeps_what_a_provider_said_of_a_failure_as_the_docs_say(left: Left, place: str) -> None:
    assert QUOTED in left.places[place]


@pytest.mark.parametrize(
    ("name", "said_there"),
    TELLING,
    ids=lambda value: value.replace(SAID, "said").replace(QUOTED, "quoted"),
)
def test_with_the_switch_on_the_spans_that_could_leak_hold_what_was_said(
    left: Left, kept: Left, name: str, said_there: str
) -> None:
    assert left.named(name)
    assert any(said_there in span.text for span in kept.named(name))


@pytest.mark.parametrize("direction", ["input", "output"])
@pytest.mark.parametrize("name", ["POST /v1/chat/completions", "reasoning-agent", "search_docs", "chat gpt-4o-mini"])
def test_with_the_switch_on_both_what_was_given_and_what_came_of_it_are_there(
    kept: Left, name: str, direction: str
) -> None:
    assert any(SAID in json.dumps(span.attributes.get(direction)) for span in kept.named(name))


@pytest.mark.parametrize("place", ["spend log", "api"])
def test_with_the_switch_on_spend_log_and_our_log_hold_what_was_said(kept: Left, place: str) -> None:
    assert SAID in kept.places[place]
