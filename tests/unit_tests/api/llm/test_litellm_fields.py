"""What of a request LiteLLM is shown: what belongs to whoever answers, and what LiteLLM does not know."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from api.llm import CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES, Endpoint
from api.llm.documented_fields import PROVIDERS_OWN
from api.llm.litellm_fields import NAMES_FILE, is_litellms_own, read_names
from tests.unit_tests.api.conftest import ANSWER, sent_to
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

NAMES = read_names(NAMES_FILE.read_text())
ASKED: dict[str, dict[str, Any]] = {
    "/chat/completions": GOOD,
    "/completions": {"model": "gpt-4o", "prompt": "hi"},
    "/embeddings": {"model": "gpt-4o", "input": "hi"},
    "/responses": {"model": "gpt-4o", "input": "hi"},
}
ENDPOINTS = [CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS, RESPONSES]
EACH = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)


def _sent(client: TestClient, litellm: respx.Router, endpoint: Endpoint, fields: dict[str, Any]) -> dict[str, Any]:
    """What LiteLLM is shown of these fields."""
    asked = ASKED[endpoint.path]
    route = litellm.post(f"/v1{endpoint.path}").respond(200, json=ANSWER)
    response = client.post(f"/v1{endpoint.path}", json={**fields, **asked})
    assert response.status_code == 200, response.text
    return {name: value for name, value in sent_to(route).items() if name in fields and name not in asked}


@EACH
def test_no_name_that_litellm_reads_is_sent_but_what_is_documented(
    client: TestClient, litellm: respx.Router, endpoint: Endpoint
) -> None:
    names = sorted(
        NAMES["body"] - endpoint.documented - endpoint.request.model_fields.keys() - {endpoint.metadata_field}
    )
    for start in range(0, len(names), 150):
        assert _sent(client, litellm, endpoint, dict.fromkeys(names[start : start + 150], "evil")) == {}


@EACH
@pytest.mark.parametrize(
    "field",
    ["x_tomorrow", "min_p", "repetition_penalty", "guided_json", "chat_template_kwargs", "plugins", "structured_outputs",
     "search_parameters", "enable_thinking", "ignore_eos", "mm_processor_kwargs", "safety_settings", "größe"],
)  # fmt: skip
def test_what_litellm_does_not_know_is_sent(
    client: TestClient, litellm: respx.Router, endpoint: Endpoint, field: str
) -> None:
    value = {"a": [1, 2.5, None, "ä"]}
    assert _sent(client, litellm, endpoint, {field: value}) == {field: value}


@pytest.mark.parametrize("field", sorted(PROVIDERS_OWN))
def test_what_providers_document_is_sent(client: TestClient, litellm: respx.Router, field: str) -> None:
    value = 1 if field == "best_of" else {"a": 1}
    assert _sent(client, litellm, CHAT_COMPLETIONS, {field: value}) == {field: value}


@pytest.mark.parametrize(
    "name",
    ["SSL_VERIFY", "Ssl_Verify", " ssl_verify", "ssl_verify ", "\tssl_verify", "ssl-verify", "no_log", "NO-LOG",
     "\uff53\uff53\uff4c_verify", "self", "__class__", "_litellm_anything", "litellm_of_tomorrow", "aws_of_tomorrow",
     "output_cost_per_dream", "some_provider_api_key", "metadata[tags]", "user_api_key_of_tomorrow"],
)  # fmt: skip
def test_another_spelling_and_a_name_of_the_same_family_are_left_out(name: str) -> None:
    assert [endpoint.path for endpoint in ENDPOINTS if not is_litellms_own(name, endpoint.documented)] == []


@pytest.mark.parametrize(
    "field", ["enforce_validation", "response_schema", "enable_json_schema_validation", "Enforce_Validation "]
)
@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_litellm_is_not_told_to_check_an_answer(
    client: TestClient, litellm: respx.Router, field: str, kind: str
) -> None:
    wanted = {"type": kind, "json_schema": {"name": "n", "schema": {}}, "schema": {"type": "object"}, "x": 1}
    sent = _sent(
        client, litellm, CHAT_COMPLETIONS, {"response_format": {**wanted, field: {"$ref": "http://127.0.0.1/x"}}}
    )
    assert sent == {"response_format": wanted}


def test_of_two_fields_of_one_name_the_last_is_sent_alone(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    content = b'{"seed": 1, ' + json.dumps(GOOD)[1:-1].encode() + b', "seed": 2}'
    client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert route.calls.last.request.content.count(b'"seed"') == 1
    assert sent_to(route)["seed"] == 2


@pytest.mark.parametrize(
    "name",
    ["session_id", "trace_id", "generation_name", "user_api_key_alias", "status", "tags", "Session_ID", "spend_logs_metadata",
     "guardrails"],
)  # fmt: skip
def test_a_responses_metadata_steers_nothing(client: TestClient, litellm: respx.Router, name: str) -> None:
    sent = _sent(client, litellm, RESPONSES, {"metadata": {name: "evil", "order": "42", "name": "n"}})
    assert sent == {"metadata": {"order": "42", "name": "n"}}


def test_what_was_left_out_of_a_responses_metadata_is_in_the_spend_log(
    client: TestClient, litellm: respx.Router
) -> None:
    route = litellm.post("/v1/responses").respond(200, json=ANSWER)
    client.post("/v1/responses", json={**ASKED["/responses"], "metadata": {"session_id": "mine"}})
    told = sent_to(route)["litellm_metadata"]
    assert told["spend_logs_metadata"]["caller_metadata"] == {"session_id": "mine"}
    assert "session_id" not in told
