"""What the real LiteLLM and Phoenix know of a call, whatever its caller says of itself; and that all three costs are one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack.instance import Instance
from tests.support.api import RunningAPI, running_api
from tests.support.ledgers import Ledgers
from tests.support.processes import ROOT
from tests.support.provider import ScriptedProvider

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Attributed:
    """An API under the tests' own key, and the ledgers from its start on."""

    api: RunningAPI
    ledgers: Ledgers

    @property
    def provider(self) -> ScriptedProvider:
        return ScriptedProvider(self.ledgers.stack.url("demo-provider"))

    def ask(
        self, path: str = "/chat/completions", *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """A request, with a prompt where its path wants it."""
        prompt = {"input": "hi"} if path != "/chat/completions" else {"messages": [{"role": "user", "content": "hi"}]}
        body = {"model": "gpt-4o-mini", **prompt, **fields}
        sent = self.api.headers | (headers or {})
        return httpx.post(f"{self.api.base_url}{path}", json=body, headers=sent, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def attributed(stack: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attributed]:
    ledgers = Ledgers.from_now(stack)
    settings = {
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": stack.url("phoenix_grpc"),
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    key = ledgers.settings["LITELLM_TEST_KEY"]
    directory = tmp_path_factory.mktemp("api")
    with running_api(directory, llm_base_url=stack.url("litellm"), llm_api_key=key, **settings) as api:
        yield Attributed(api, ledgers)


FORGED = {"component": "evil", "operation": "evil", "environment": "evil", "trace_id": "evil"}
FORGERIES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "metadata": ("/chat/completions", {}, {"metadata": {**FORGED, "tags": ["component:evil"], "spend_logs_metadata": FORGED}}),
    "metadata of the key": (
        "/chat/completions", {},
        {"metadata": {"user_api_key": "evil", "user_api_key_alias": "evil", "user_api_key_end_user_id": "evil", "user_id": "evil"}},
    ),
    "metadata of the row": ("/chat/completions", {}, {"metadata": {"status": "failure", "session_id": "evil", "agent_id": "evil"}}),
    "litellm_metadata": ("/chat/completions", {}, {"litellm_metadata": FORGED, "tags": ["component:evil"]}),
    "key in the body": ("/chat/completions", {}, {"api_key": "sk-evil", "api_base": "http://127.0.0.1:9", "user_api_key": "evil"}),
    "headers in the body": (
        "/chat/completions", {},
        {"extra_headers": {"authorization": "evil"}, "extra_body": {"metadata": FORGED}},
    ),
    "not logged": ("/chat/completions", {}, {"no-log": True, "litellm_call_id": "evil", "litellm_session_id": "evil"}),
    "headers": (
        "/chat/completions",
        {
            "x-litellm-tags": "component:evil", "x-litellm-spend-logs-metadata": '{"component": "evil"}',
            "x-litellm-end-user-id": "evil", "x-litellm-api-key": "sk-evil", "x-litellm-session-id": "evil",
            "baggage": "litellm.metadata.component=evil", "x-api-key": "sk-evil",
        },
        {},
    ),
    "metadata of a fallback": (
        "/chat/completions", {},
        {"fallbacks": [{"model": "gpt-4o", "metadata": {**FORGED, "user_api_key": "evil", "user_api_key_alias": "evil"}}]},
    ),
    "not logging a fallback": (
        "/chat/completions", {}, {"fallbacks": [{"model": "gpt-4o", "no-log": True, "litellm_metadata": FORGED}]},
    ),
    "an answer that a fallback did not give": (
        "/chat/completions", {}, {"fallbacks": [{"model": "gpt-4o", "mock_response": "evil"}], "mock_testing_fallbacks": True},
    ),
    "session and trace of a response": (
        "/responses", {},
        {"metadata": {"session_id": "evil", "trace_id": "evil", "trace_name": "evil", "generation_name": "evil",
                      "user_id": "evil", "user_api_key_alias": "evil", "status": "failure"}},
    ),
    "metadata of a response": ("/responses", {}, {"metadata": {**FORGED, "tags": ["component:evil"]}}),
    "litellm_metadata of a response": ("/responses", {}, {"litellm_metadata": {**FORGED, "requester_metadata": FORGED}}),
}  # fmt: skip


@pytest.fixture(scope="module")
def forged(attributed: Attributed) -> dict[str, httpx.Response]:
    """All of them at once: LiteLLM writes its log every few seconds."""
    answers = {}
    for forgery, (path, headers, fields) in FORGERIES.items():
        mark = f"mark-{uuid4().hex}"
        says = {"input": mark} if path == "/responses" else {"messages": [{"role": "user", "content": mark}]}
        answers[forgery] = attributed.ask(path, headers=headers, **says, **fields)
    return answers


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_caller_cannot_change_what_its_call_is_logged_as(
    attributed: Attributed, forged: dict[str, httpx.Response], forgery: str
) -> None:
    (path, _, _), answer = FORGERIES[forgery], forged[forgery]
    assert answer.status_code == 200, answer.text
    [row] = attributed.ledgers.rows_of(answer.headers["x-trace-id"], calls=1)
    spans = attributed.ledgers.spans_of(answer.headers["x-trace-id"], calls=1)
    operation = "response" if path == "/responses" else "chat"
    assert (row.component, row.operation, row.environment, row.key) == (
        "passthrough",
        operation,
        "test",
        "litellm-test",
    )
    assert (row.failed, row.end_user[:6], "evil" in str([*row.tags, row.session])) == (False, "token-", False)
    assert (len(spans), "evil" in str([span.metadata for span in spans])) == (1, False)


@pytest.mark.parametrize("field", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_a_call_that_fails_is_tried_with_no_other_model_of_the_callers(attributed: Attributed, field: str) -> None:
    mark = f"mark-{uuid4().hex}"
    attributed.provider.script({"status": 400, "error": {"message": "no"}}, contains=mark)
    named: dict[str, Any] = {
        field: [{"model": "gpt-4o", "mock_response": "evil"}, "gpt-4o", {"gpt-4o-mini": ["gpt-4o"]}]
    }
    answer = attributed.ask(messages=[{"role": "user", "content": mark}], **named)
    assert (answer.status_code, len(attributed.provider.requests(contains=mark))) == (400, 1)


def test_the_session_and_the_user_are_in_both_ledgers(attributed: Attributed) -> None:
    answer = attributed.ask(user="user-7", headers={"x-session-id": "session-7"})
    [row] = attributed.ledgers.rows_of(answer.headers["x-trace-id"], calls=1)
    [span] = attributed.ledgers.spans_of(answer.headers["x-trace-id"], calls=1)
    assert (row.end_user, row.session) == ("user-7", "session-7")
    assert (span.metadata["end_user"], span.metadata["session_id"]) == ("user-7", "session-7")


def test_a_conversation_larger_than_a_batch_of_spans_is_in_phoenix_with_all_others(attributed: Attributed) -> None:
    said = [{"role": "user", "content": f"{number} " + "word " * 50_000} for number in range(60)]
    traces = [attributed.ask(messages=messages).headers["x-trace-id"] for messages in (said, said[:1], said[-1:])]
    for trace in traces:
        [span] = attributed.ledgers.spans_of(trace, calls=1)
        assert span.metadata["component"] == "passthrough"


def test_a_failed_call_is_attributed(attributed: Attributed) -> None:
    answer = attributed.ask(model="no-such-model")
    [row] = attributed.ledgers.rows_of(answer.headers["x-trace-id"], calls=1)
    assert (row.failed, row.component, row.key) == (True, "passthrough", "litellm-test")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4o-mini", "gemini-2.5-flash"])
def test_a_failed_message_has_its_session_caller_and_trace(attributed: Attributed, model: str, *, stream: bool) -> None:
    mark = f"mark-{uuid4().hex}"
    attributed.provider.script({"status": 400, "error": {"message": "no"}}, contains=mark)
    body = {"model": model, "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": mark}]}
    sent = {**attributed.api.headers, "x-session-id": mark}
    answer = httpx.post(f"{attributed.api.base_url}/messages", json=body, headers=sent, timeout=60, trust_env=False)
    [row] = attributed.ledgers.rows_of(answer.headers["x-trace-id"], calls=1)
    assert (row.failed, row.operation, row.session, row.caller.partition("-")[0]) == (True, "messages", mark, "token")


OPENAI_CACHED = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600},
    "completion_tokens_details": {"reasoning_tokens": 120},
}
ANTHROPIC_CACHED = {"input_tokens": 400, "output_tokens": 200, "cache_read_input_tokens": 600}
ANTHROPIC_WRITTEN = {"input_tokens": 400, "output_tokens": 200, "cache_creation_input_tokens": 600}
# The model, and what the provider says was used; None: what it counts itself.
AGREED: dict[str, tuple[str, dict[str, Any] | None]] = {
    "OpenAI's": ("gpt-4o-mini", None),
    "with a price of our own": ("o1-mini", None),
    "OpenRouter's without its cost": ("kimi-k2.6", None),
    "Anthropic's": ("claude-haiku-4-5", None),
    "an embedding": ("text-embedding-3-small", None),
    "OpenAI's, cached": ("gpt-4o-mini", OPENAI_CACHED),
    "a reasoning model's, cached": ("gpt-5-mini", OPENAI_CACHED),
    "with a price of our own, cached": ("o1-mini", OPENAI_CACHED),
    "OpenRouter's, cached": ("kimi-k2.6", OPENAI_CACHED),
    "Anthropic's, from its cache": ("claude-haiku-4-5", ANTHROPIC_CACHED),
    "Anthropic's, into its cache": ("claude-haiku-4-5", ANTHROPIC_WRITTEN),
}
PAID = AGREED | {
    "OpenRouter's with its cost": ("deepseek-v4-flash", {**OPENAI_CACHED, "cost": 0.0123}),
    "Anthropic's, into its cache for an hour": (
        "claude-haiku-4-5",
        {**ANTHROPIC_WRITTEN, "cache_creation": {"ephemeral_1h_input_tokens": 600}},
    ),
}


@pytest.fixture(scope="module")
def paid(attributed: Attributed) -> dict[str, httpx.Response]:
    """All of them at once: LiteLLM writes its log every few seconds."""
    return {name: _ask_for(attributed, model, usage) for name, (model, usage) in PAID.items()}


def _ask_for(attributed: Attributed, model: str, usage: dict[str, Any] | None) -> httpx.Response:
    if "embedding" in model:
        return attributed.ask("/embeddings", model=model)
    prompt = f"prompt {uuid4().hex}"
    if usage is not None:
        attributed.provider.script({"content": "x", "usage": usage}, contains=prompt)
    return attributed.ask(model=model, messages=[{"role": "user", "content": prompt}])


@pytest.mark.parametrize("name", AGREED)
def test_the_client_litellm_and_phoenix_name_the_same_cost(
    attributed: Attributed, paid: dict[str, httpx.Response], name: str
) -> None:
    [told, logged, carried, priced] = _costs(attributed, paid[name])
    assert told > 0
    assert [logged, carried, priced] == pytest.approx([told] * 3, abs=1e-12)


def test_what_openrouter_says_a_call_cost_is_litellms_figure_and_not_phoenixs(
    attributed: Attributed, paid: dict[str, httpx.Response]
) -> None:
    [told, logged, carried, priced] = _costs(attributed, paid["OpenRouter's with its cost"])
    assert [told, logged, carried] == pytest.approx([0.0123] * 3, abs=1e-12)
    assert priced == pytest.approx(400 * 0.3e-6 + 600 * 0.006e-6 + 200 * 1.2e-6, abs=1e-12)


def test_a_cache_that_is_kept_for_an_hour_has_a_price_of_its_own_in_litellm_alone(
    attributed: Attributed, paid: dict[str, httpx.Response]
) -> None:
    [told, logged, carried, priced] = _costs(attributed, paid["Anthropic's, into its cache for an hour"])
    assert [told, logged, carried] == pytest.approx([400 * 1e-6 + 600 * 2e-6 + 200 * 5e-6] * 3, abs=1e-12)
    assert priced == pytest.approx(400 * 1e-6 + 600 * 1.25e-6 + 200 * 5e-6, abs=1e-12)


def _costs(attributed: Attributed, answer: httpx.Response) -> list[float]:
    """As the client, LiteLLM's row, LiteLLM's span and Phoenix itself have it."""
    [row] = attributed.ledgers.rows_of(answer.headers["x-trace-id"], calls=1)
    [span] = attributed.ledgers.spans_of(answer.headers["x-trace-id"], calls=1)
    return [float(answer.headers["x-litellm-response-cost"]), row.cost, span.litellm_cost, span.cost]


def test_calls_under_the_tests_key_charge_nothing_to_development(attributed: Attributed) -> None:
    session = f"session-{uuid4().hex}"
    traces = [attributed.ask(headers={"x-session-id": session}).headers["x-trace-id"] for _ in range(3)]
    rows = attributed.ledgers.rows_of(*traces, calls=3)
    assert {(row.key, row.environment) for row in rows} == {("litellm-test", "test")}
    charged = [row for row in attributed.ledgers.rows() if row.session == session]
    assert len(charged) == 3


FILTERS = [
    line for line in (ROOT / "docs" / "observability.md").read_text().splitlines() if line.startswith("span_kind ==")
]


def test_the_documentation_has_filters() -> None:
    assert len(FILTERS) >= 6


@pytest.fixture(scope="module")
def filtered(attributed: Attributed) -> str:
    """The trace of a call, which Phoenix has."""
    trace: str = attributed.ask(user="user-8", headers={"x-session-id": "session-8"}).headers["x-trace-id"]
    attributed.ledgers.spans_of(trace, calls=1)
    return trace


@pytest.mark.parametrize("written", FILTERS)
def test_a_filter_of_the_documentation_finds_the_call_once(attributed: Attributed, filtered: str, written: str) -> None:
    found = [span for span in attributed.ledgers.spans(written) if span.trace_id == filtered]
    assert len(found) == 1
