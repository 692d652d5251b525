"""Who answers a request of the Responses API, and what is said where the agent cannot."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import sent_to
from tests.unit_tests.api.routing.test_router import PATH as CHAT

PATH = "/v1/responses"
HELLO = {"model": "m", "input": "Hello"}
REASONING = {"x-routing-mode": "reasoning"}
STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}


@pytest.fixture
def model(litellm: respx.Router) -> respx.Route:
    """The model itself, asked in its own words."""
    litellm.get(path__startswith="/").respond(404)
    return litellm.post(PATH).respond(200, json={"object": "response", "output": [{"type": "message"}]})


def _completion(content: str) -> httpx.Response:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx.Response(200, json={"id": "c", "object": "chat.completion", "choices": [choice]})


@pytest.fixture
def agent(litellm: respx.Router) -> respx.Route:
    """A model that knows enough at once, and answers."""
    litellm.get(path__startswith="/").respond(404)
    return litellm.post(CHAT).mock(side_effect=[_completion(json.dumps(STEP)), _completion("Hello!")])


def _told(headers: Mapping[str, str]) -> tuple[str, str]:
    return headers["x-routing-decision"], headers["x-routing-source"]


@pytest.mark.parametrize("headers", [{}, {"x-routing-mode": "passthrough"}])
def test_without_a_wish_to_reason_the_request_goes_on_as_it_came(
    client: TestClient, model: respx.Route, headers: dict[str, str]
) -> None:
    unreadable = HELLO | {"input": [{"role": "user", "content": [{"type": "input_text"}]}], "temperature": 7}
    answer = client.post(PATH, json=unreadable, headers=headers)
    assert (answer.status_code, answer.headers["x-routing-decision"]) == (200, "passthrough")
    sent = sent_to(model)
    assert (sent["input"], sent["temperature"]) == (unreadable["input"], 7)


def test_a_header_has_it_reasoned_about(client: TestClient, agent: respx.Route) -> None:
    answer = client.post(PATH, json=HELLO | {"instructions": "Be brief."}, headers=REASONING)
    assert _told(answer.headers) == ("reasoning", "header_override")
    assert [item["type"] for item in answer.json()["output"]] == ["reasoning", "message"]
    assert "Be brief." in str(sent_to(agent)["messages"])


def test_so_does_the_models_name_which_the_response_has_as_it_was_asked(client: TestClient, agent: respx.Route) -> None:
    answer = client.post(PATH, json=HELLO | {"model": "m:reasoning"})
    assert _told(answer.headers) == ("reasoning", "model_name")
    assert answer.json()["model"] == "m:reasoning"
    assert sent_to(agent)["model"] == "m"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"input": [{"type": "x\r\ny", "id": "1"}]}, "an unknown kind"),
    ],
)
def test_what_the_agent_cannot_be_asked_is_the_models_and_the_answer_says_so(
    client: TestClient, model: respx.Route, fields: dict[str, Any], named: str
) -> None:
    answer = client.post(PATH, json=HELLO | fields, headers=REASONING)
    assert (answer.status_code, model.call_count, _told(answer.headers)) == (
        200,
        1,
        ("passthrough", "passthrough_rule"),
    )
    assert named in answer.headers["x-routing-overruled"]
    assert answer.json()["metadata"]["routing_overruled"] == answer.headers["x-routing-overruled"]


def test_a_response_that_goes_on_from_a_kept_one_is_the_models(client: TestClient, model: respx.Route) -> None:
    model.respond(200, json={"id": "resp_1", "object": "response", "output": []})
    previous = client.post(PATH, json=HELLO).json()["id"]
    answer = client.post(PATH, json=HELLO | {"previous_response_id": previous}, headers=REASONING)
    assert (answer.status_code, model.call_count, _told(answer.headers)) == (
        200,
        2,
        ("passthrough", "passthrough_rule"),
    )
    assert "previous_response_id" in answer.headers["x-routing-overruled"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_output_tokens": 3}, "max_output_tokens"),
        ({"temperature": 7}, "temperature"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"text": {"format": {"type": "json_schema", "name": "s", "schema": 7}}}, "text.format.schema"),
    ],
)
def test_what_cannot_be_answered_is_named_as_it_was_sent_before_a_step_is_paid_for(
    client: TestClient, agent: respx.Route, fields: dict[str, Any], param: str
) -> None:
    error = client.post(PATH, json=HELLO | fields, headers=REASONING)
    assert (error.status_code, error.json()["error"]["param"], agent.call_count) == (400, param, 0)


def test_an_error_of_the_call_that_answers_names_the_field_that_was_sent(
    client: TestClient, agent: respx.Route
) -> None:
    refused = {"message": "Too long.", "type": "invalid_request_error", "param": "max_completion_tokens", "code": None}
    agent.side_effect = [_completion(json.dumps(STEP)), httpx.Response(400, json={"error": refused})]
    error = client.post(PATH, json=HELLO, headers=REASONING)
    assert (error.status_code, error.json()["error"]["param"]) == (400, "max_output_tokens")


@pytest.mark.parametrize("role", [[], {}, 5, None])
def test_an_items_role_may_be_anything(client: TestClient, model: respx.Route, role: Any) -> None:
    item = {"type": "message", "role": role, "content": "hi"}
    answers = [client.post(PATH, json=HELLO | {"input": [item]}, headers=headers) for headers in ({}, REASONING)]
    assert [answer.status_code for answer in answers] == [200, 200]
