"""What a call says of itself to LiteLLM, whatever its caller says."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import ANSWER, sent_to, token
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH


def test_a_call_is_tagged_with_its_component_operation_and_path(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD)
    metadata = sent_to(route)["metadata"]
    assert metadata["component"] == "passthrough"
    assert metadata["operation"] == "chat"
    assert metadata["environment"] == "test"
    assert metadata["tags"] == [
        "component:passthrough",
        "operation:chat",
        "routing_path:passthrough",
        "environment:test",
    ]
    assert metadata["spend_logs_metadata"]["component"] == "passthrough"


def test_a_callers_own_metadata_is_kept_where_litellm_does_not_obey_it(
    client: TestClient, litellm: respx.Router
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {"metadata": {"order": "42", "tags": ["team:a"], "status": "failure"}})
    metadata = sent_to(route)["metadata"]
    assert metadata["spend_logs_metadata"]["caller_metadata"] == {"order": "42", "status": "failure"}
    assert metadata["tags"][0] == "team:a"
    assert not {"order", "status"} & metadata.keys()


@pytest.mark.parametrize("tag", ["component:evil", " Component:evil", "environment:evil", "operation:evil", 5, None])
def test_a_caller_cannot_use_a_tag_of_ours(client: TestClient, litellm: respx.Router, tag: Any) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {"metadata": {"tags": [tag]}})
    assert len(sent_to(route)["metadata"]["tags"]) == 4


def test_a_caller_cannot_pass_for_another_component(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    forged = {"component": "evil", "environment": "evil", "spend_logs_metadata": {"component": "evil"}}
    client.post(PATH, json=GOOD | {"metadata": forged, "litellm_metadata": forged, "tags": ["component:evil"]})
    sent = sent_to(route)
    del sent["metadata"]["spend_logs_metadata"]["caller_metadata"]
    assert "evil" not in json.dumps(sent)


@pytest.mark.parametrize(
    "field",
    ["api_key", "api_base", "no-log", "extra_headers", "extra_body", "litellm_session_id", "litellm_call_id", "user_api_key_alias",
     "mock_response"],
)  # fmt: skip
def test_a_caller_cannot_tell_litellm_who_pays_and_what_is_logged(
    client: TestClient, litellm: respx.Router, field: str
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {field: "forged"})
    assert field not in sent_to(route)


@pytest.mark.parametrize("field", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_a_caller_does_not_choose_what_is_tried_next(client: TestClient, litellm: respx.Router, field: str) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | {field: ["gpt-4o", {"model": "gpt-4o", "no-log": True, "mock_response": "x"}]})
    assert field not in sent_to(route)


@pytest.mark.parametrize(
    ("user", "told"), [(None, "token-"), ("u-1", "u-1"), ("Zoë 1%", "Zo%C3%AB%201%25"), ("x" * 999, "x" * 256)]
)  # fmt: skip
def test_the_end_user_is_the_user_named_or_else_the_caller(
    client: TestClient, litellm: respx.Router, user: str | None, told: str
) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD | ({"user": user} if user else {}))
    assert route.calls.last.request.headers["x-litellm-end-user-id"].startswith(told)
    assert sent_to(route).get("user") == user


def test_a_responses_metadata_reaches_the_provider_without_our_names(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post("/v1/responses").respond(200, json={"id": "resp_1"})
    theirs = {"order": "42", "component": "evil", "tags": ["component:evil"]}
    client.post("/v1/responses", json={"model": "gpt-4o", "input": "hi", "metadata": theirs})
    sent = sent_to(route)
    assert sent["metadata"] == {"order": "42"}
    assert sent["litellm_metadata"]["component"] == "passthrough"
    assert sent["litellm_metadata"]["requester_metadata"]["operation"] == "response"


def test_while_litellm_does_not_tell_the_environment_calls_go_on_without_it(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.get("/key/info").respond(503, json={"error": {"message": "no database"}})
    route = litellm.post(PATH).respond(200, json=ANSWER)
    assert client.post(PATH, json=GOOD).status_code == 200
    assert "environment" not in sent_to(route)["metadata"]


def test_litellm_is_asked_for_the_environment_once(client: TestClient, litellm: respx.Router) -> None:
    litellm.post(PATH).respond(200, json=ANSWER)
    asked = litellm.get("/key/info").respond(200, json={"info": {"metadata": {"environment": "prod"}}})
    for _ in range(3):
        client.post(PATH, json=GOOD)
    assert asked.call_count == 1


AGENT = {"x-claude-code-session-id": "s-1", "x-claude-code-agent-id": "a-2", "x-claude-code-parent-agent-id": "a-1"}


@pytest.mark.parametrize("path", [PATH, "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/messages"])
def test_a_sessions_agents_stand_in_the_spend_log_alone(client: TestClient, litellm: respx.Router, path: str) -> None:
    """Elsewhere in its metadata LiteLLM takes an agent's id for one of its own agents."""
    route = litellm.post(path).respond(200, json=ANSWER)
    litellm.get("/v1/models").respond(200, json={"data": []})
    client.post(path, json=GOOD | {"input": "hi", "prompt": "hi", "max_tokens": 9}, headers=AGENT)
    sent = sent_to(route)
    metadata = sent["litellm_metadata" if "litellm_metadata" in sent else "metadata"]
    noted = metadata.pop("spend_logs_metadata")
    assert noted.items() >= {"session_id": "s-1", "agent_id": "a-2", "parent_agent_id": "a-1"}.items()
    assert not {"agent_id", "parent_agent_id"} & {*sent, *metadata, *metadata.get("requester_metadata", {})}
    assert "a-2" not in json.dumps(sent | {"litellm_metadata": metadata, "metadata": sent.get("metadata")})


def test_a_callers_name_stands_in_place_of_its_fingerprint(named: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    named.post(PATH, json=GOOD, headers=token("bob"))
    assert sent_to(route)["metadata"]["spend_logs_metadata"]["caller"] == "bob"
    assert route.calls.last.request.headers["x-litellm-end-user-id"] == "bob"
