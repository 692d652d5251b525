"""Metrics: each thing that happens is counted once, where and as docs/metrics.md says, and nothing that was said is told."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.config import Settings
from api.main import create_app
from api.telemetry.metrics.names import MOST_NAMES, OTHER, KnownNames
from tests.support.played_litellm import PlayedTransport
from tests.unit_tests.api.conftest import TOKEN

PATH = "/v1/chat/completions"
DOCUMENT = Path(__file__).parents[4] / "docs" / "metrics.md"
MODEL, SAID, SESSION = "gpt-4o", "what-the-client-said", "the-session"
ASKED: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": SAID}]}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
CALL = "gen_ai_client_operation_duration_seconds_count"
TOKENS = "gen_ai_client_token_usage"
FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds_count"
TOOL = "gen_ai_execute_tool_duration_seconds_count"
REQUEST = "http_server_request_duration_seconds_count"
DECISIONS, FALLBACKS = "routing_decisions_total", "routing_classifier_fallbacks_total"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _completion(content: object, usage: Mapping[str, int] | None = USAGE) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
    return answer | ({"usage": dict(usage)} if usage else {})


def _events(*chunks: dict[str, Any], end: str = "data: [DONE]\n\n") -> bytes:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + end.encode()


STREAMED = _events(
    {"id": "1", "choices": [{"index": 0, "delta": {"content": 'a trap: "usage": {"prompt_tokens": 900}'}}]},
    {"id": "1", "choices": [], "usage": USAGE},
)


def _samples(client: TestClient) -> Samples:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value)): sample.value
        for family in families
        for sample in family.samples
    }


def _sum(client: TestClient, name: str, **labels: str) -> float:
    """Of all series of that name that have these labels."""
    return sum(
        value
        for (found, has), value in _samples(client).items()
        if found == name and labels.items() <= dict(has).items()
    )


def _series(client: TestClient, name: str) -> dict[str, float]:
    """Each series' value, by its last-named distinguishing labels as text."""
    found = {labels: value for (sample, labels), value in _samples(client).items() if sample == name}
    return {" ".join(f"{key}={value}" for key, value in sorted(labels)): value for labels, value in found.items()}


def _step(action: str, *tools: str) -> dict[str, Any]:
    uses = [{"name": tool, "arguments": "{}", "reason": SAID} for tool in tools]
    return {"thought": SAID, "next_action": action, "tools_to_use": uses, "concurrent_execution": False}


def _ask(client: TestClient, mode: str = "passthrough", *, resumable: str = "false", **fields: Any) -> Any:
    headers = {"x-routing-mode": mode, "x-session-id": SESSION, "x-reasoning-resumable": resumable}
    return client.post(PATH, json=ASKED | fields, headers=headers)


@contextmanager
def _served(settings: Settings, litellm: respx.Router, **changes: Any) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update=changes), transport=PlayedTransport(litellm))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def route(litellm: respx.Router) -> respx.Route:
    litellm.get("/v1/models").respond(200, json={"data": []})
    litellm.get("/v1/model/info").respond(200, json={"data": []})
    return litellm.post(PATH)


@pytest.fixture
def used(client: TestClient, route: respx.Route) -> TestClient:
    """A server to which everything that is counted has happened."""
    route.side_effect = [
        httpx.Response(200, json=_completion(SAID)),
        httpx.Response(200, content=STREAMED, headers={"content-type": "text/event-stream"}),
        httpx.Response(500, json={"error": {"message": SAID, "code": SAID, "type": SAID}}),
        httpx.Response(200, json=_completion("perhaps")),  # of the classifier
        httpx.Response(200, json=_completion(SAID)),
        httpx.Response(200, json=_completion(_step("use_tools", SAID))),
        httpx.Response(200, json=_completion(_step("finished"))),
        httpx.Response(200, json=_completion(SAID)),
    ]
    answers = [_ask(client), _ask(client, stream=True, resumable="true"), _ask(client)]
    answers += [_ask(client, "auto"), _ask(client, "reasoning")]
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200, 200]
    return client


def test_a_plain_call_is_counted_once_with_its_tokens(client: TestClient, route: respx.Route) -> None:
    route.respond(200, json=_completion(SAID))
    _ask(client)
    ours = "component=passthrough gen_ai_operation_name=chat gen_ai_provider_name=litellm gen_ai_request_model=gpt-4o"
    assert _series(client, CALL) == {f"{ours} operation=chat": 1}
    assert _sum(client, f"{TOKENS}_sum", gen_ai_token_type="input") == 11
    assert _sum(client, f"{TOKENS}_sum", gen_ai_token_type="output") == 7
    assert _sum(client, f"{TOKENS}_count") == 2
    assert _sum(client, FIRST) == 0


def test_a_stream_s_first_token_and_its_usage_are_recorded_once(client: TestClient, route: respx.Route) -> None:
    route.respond(200, content=STREAMED)
    _ask(client, stream=True)
    assert (_sum(client, CALL), _sum(client, FIRST, gen_ai_request_model=MODEL)) == (1, 1)
    assert (_sum(client, f"{TOKENS}_sum"), _sum(client, f"{TOKENS}_count")) == (18, 2)


def test_the_responses_api_s_tokens_are_counted_plain_and_streamed(client: TestClient, litellm: respx.Router) -> None:
    response = {"id": "r", "object": "response", "output": [], "usage": {"input_tokens": 3, "output_tokens": 2}}
    completed = _events({"type": "response.completed", "response": response})
    litellm.post("/v1/responses").side_effect = [
        httpx.Response(200, json=response),
        httpx.Response(200, content=completed),
    ]
    for stream in (False, True):
        client.post("/v1/responses", json={"model": MODEL, "input": SAID, "stream": stream})
    assert (_sum(client, CALL, operation="response"), _sum(client, f"{TOKENS}_sum")) == (2, 10)


def test_a_message_s_tokens_are_counted_with_those_of_its_cache_plain_and_streamed(
    client: TestClient, litellm: respx.Router
) -> None:
    """Anthropic tells of a stream at its beginning what was read, and what was written at its end."""
    read = {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 4}
    message = {"id": "msg_1", "type": "message", "content": [], "usage": {**read, "output_tokens": 2}}
    streamed = _events(
        {"type": "message_start", "message": {**message, "usage": {**read, "output_tokens": 1}}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
        end="",
    )
    litellm.get("/v1/models").respond(200, json={"data": []})
    litellm.post("/v1/messages").side_effect = [
        httpx.Response(200, json=message),
        httpx.Response(200, content=streamed),
    ]
    for stream in (False, True):
        asked = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": SAID}], "stream": stream}
        client.post("/v1/messages", json=asked)
    for kind, count in (("input", 34), ("output", 4)):
        assert _sum(client, f"{TOKENS}_sum", gen_ai_token_type=kind, operation="messages") == count


def test_an_embedding_s_tokens_are_counted(client: TestClient, litellm: respx.Router) -> None:
    answer = {"object": "list", "data": [], "model": MODEL, "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    litellm.post("/v1/embeddings").respond(200, json=answer)
    client.post("/v1/embeddings", json={"model": MODEL, "input": SAID})
    assert _sum(client, f"{TOKENS}_sum", gen_ai_operation_name="embeddings", gen_ai_token_type="input") == 5
    assert _sum(client, f"{TOKENS}_count") == 1


def test_a_failure_has_litellm_s_status_and_no_tokens(client: TestClient, route: respx.Route) -> None:
    route.respond(500, json={"error": {"message": SAID}})
    _ask(client)
    assert _sum(client, CALL, error_type="500", gen_ai_request_model=OTHER) == 1
    assert _sum(client, REQUEST, http_response_status_code="500", error_type="500", http_route=PATH) == 1
    assert _sum(client, f"{TOKENS}_count") == 0


def test_a_stream_that_breaks_off_is_a_failed_call_of_a_successful_request(
    client: TestClient, route: respx.Route
) -> None:
    route.respond(200, content=_events({"id": "1", "choices": []}, end=""))
    _ask(client, stream=True)
    assert _sum(client, CALL, error_type="UpstreamStreamBroken") == 1
    assert _sum(client, REQUEST, http_response_status_code="200", http_route=PATH) == 1


def test_a_routing_fallback_is_counted_with_its_cause(client: TestClient, route: respx.Route) -> None:
    route.side_effect = [httpx.Response(200, json=_completion("perhaps")), httpx.Response(200, json=_completion(SAID))]
    _ask(client, "auto")
    assert _series(client, FALLBACKS) == {"error_type=AnswerUnusable": 1}
    assert _series(client, DECISIONS) == {
        "routing_decision=passthrough routing_kept=false routing_source=classifier_fallback": 1
    }
    assert _sum(client, f"{TOKENS}_sum", component="routing-classifier") == 18


def test_a_classifier_that_cannot_be_reached_is_a_cause_of_its_own(client: TestClient, route: respx.Route) -> None:
    route.side_effect = [httpx.ConnectError("no"), httpx.Response(200, json=_completion(SAID))]
    _ask(client, "auto")
    assert _series(client, FALLBACKS) == {"error_type=UpstreamUnreachable": 1}


def test_a_choice_of_the_classifier_is_no_fallback(client: TestClient, route: respx.Route) -> None:
    choice = {"reason": SAID, "mode": "passthrough"}
    route.side_effect = [httpx.Response(200, json=_completion(choice)), httpx.Response(200, json=_completion(SAID))]
    _ask(client, "auto")
    assert (_sum(client, DECISIONS, routing_source="llm_classifier"), _sum(client, FALLBACKS)) == (1, 0)


def test_a_decision_that_was_kept_is_counted_as_one(client: TestClient, route: respx.Route) -> None:
    reasoned = [httpx.Response(200, json=_completion(_step("finished"))), httpx.Response(200, json=_completion(SAID))]
    choice = httpx.Response(200, json=_completion({"reason": SAID, "mode": "reasoning"}))
    route.side_effect = [choice, *reasoned, *reasoned]
    for _ in range(2):
        _ask(client, "auto").raise_for_status()
    decisions = "routing_decision=reasoning routing_kept={} routing_source=llm_classifier"
    assert _series(client, DECISIONS) == {decisions.format("false"): 1, decisions.format("true"): 1}
    assert _sum(client, CALL, component="routing-classifier") == 1


def test_a_tool_that_does_not_exist_is_counted_under_no_name_of_the_model_s(used: TestClient) -> None:
    assert _series(used, TOOL) == {
        "error_type=failed gen_ai_operation_name=execute_tool gen_ai_tool_name=unknown": 1,
    }


def test_every_call_of_a_reasoning_request_is_counted_by_its_operation(used: TestClient) -> None:
    counts = [
        _sum(used, CALL, component="reasoning-agent", operation=name) for name in ("step_generation", "synthesis")
    ]
    assert counts == [2, 1]


def test_nothing_is_in_flight_when_all_is_done(used: TestClient) -> None:
    assert (_sum(used, "streams_active"), _sum(used, "http_server_active_requests")) == (0, 1)  # the one that asks


def test_a_request_that_is_turned_away_is_counted_and_names_no_route(client: TestClient) -> None:
    client.get(f"/{SAID}", headers={"authorization": "Bearer wrong"})
    assert _series(client, REQUEST) == {"http_request_method=GET http_response_status_code=401 url_scheme=http": 1}


def test_a_made_up_method_is_no_series_of_its_own(client: TestClient) -> None:
    client.request("BREW", PATH)
    assert _sum(client, REQUEST, http_request_method="_OTHER") == 1


def test_a_path_parameter_is_not_filled_in(client: TestClient, route: respx.Route) -> None:
    client.get(f"/v1/models/{SAID}")
    assert _sum(client, REQUEST, http_route="/v1/models/{model:path}", http_response_status_code="404") == 1


def test_no_secret_and_nothing_that_was_said_is_on_the_page(used: TestClient) -> None:
    page = used.get("/metrics").text
    assert [word for word in (SAID, SESSION, TOKEN, "sk-virtual", "token-") if word in page] == []


def test_what_is_not_known_is_other_and_there_is_an_end_to_knowing() -> None:
    names = KnownNames()
    assert names.known("a") == OTHER
    assert [names.learnt(str(number)) for number in range(MOST_NAMES)][-1] == str(MOST_NAMES - 1)
    assert (names.learnt("one too many"), names.learnt("0"), KnownNames().learnt("x" * 101)) == (OTHER, "0", OTHER)


@pytest.mark.parametrize(("public", "status"), [(False, 401), (True, 200)])
def test_the_page_asks_for_a_token_unless_it_is_made_public(
    settings: Settings, litellm: respx.Router, public: bool, status: int
) -> None:
    with _served(settings, litellm, metrics_public=public) as stranger:
        assert stranger.get("/metrics").status_code == status
        assert stranger.get("/v1/models").status_code == 401


def test_switched_off_there_is_no_page_and_all_else_works(
    settings: Settings, route: respx.Route, litellm: respx.Router
) -> None:
    route.respond(200, json=_completion(SAID))
    with _served(settings, litellm, enable_metrics=False) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        page, answer = client.get("/metrics"), _ask(client)
    assert (page.status_code, answer.status_code) == (404, 200)
    assert "ENABLE_METRICS=true" in page.json()["error"]["message"]


def test_two_applications_in_a_process_count_apart(
    client: TestClient, settings: Settings, litellm: respx.Router
) -> None:
    with _served(settings, litellm, metrics_public=True) as other:
        other.get("/health")
        assert (_sum(other, REQUEST, http_route="/health"), _sum(client, REQUEST, http_route="/health")) == (1, 0)


def _documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Of each row: its name on the page, its kind and its labels."""
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    labels = [frozenset(re.findall(r"`([\w.]+)`", row[4] if len(row) > 4 else "")) for row in rows]
    return {row[1].strip("`"): (row[2], names) for row, names in zip(rows, labels, strict=True)}


def test_the_document_s_table_is_what_the_page_exposes(used: TestClient) -> None:
    used.get("/metrics")
    exposed = {}
    for family in text_string_to_metric_families(used.get("/metrics").text):
        labels = {name for sample in family.samples for name, value in sample.labels.items() if name != "le"}
        exposed[family.name] = (family.type, frozenset(labels))
    del exposed["target_info"]
    assert exposed == {
        name: (kind, frozenset(label.replace(".", "_") for label in labels))
        for name, (kind, labels) in _documented().items()
    }
