"""What goes over the wire for a step: its form, its limit, its messages; and what happens when a provider or a model balks."""

import json
from typing import Any

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
REASONING = {"x-routing-mode": "reasoning"}
LENGTHS = ["max_tokens", "max_completion_tokens"]
CAN_ALL = {"supports_response_schema": True, "supported_openai_params": ["response_format", *LENGTHS]}
CAN_JSON = {"supports_response_schema": False, "supported_openai_params": ["response_format", *LENGTHS]}
CAN_NOTHING = {"supports_response_schema": None, "supported_openai_params": ["temperature"]}
REFUSED = {
    "error": {"message": "'maxLength' is not permitted", "type": "invalid_request_error", "param": "response_format"}
}


def _says(message: dict[str, Any], finish: str = "stop") -> httpx.Response:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return httpx.Response(200, json={"choices": [choice]})


PLANNED = _says({"content": json.dumps(STEP)})
ANSWERED = _says({"content": "Done."})


def _knows(litellm: respx.Router, abilities: dict[str, Any]) -> None:
    litellm.get("/v1/models").respond(200, json={"data": []})
    litellm.get("/v1/model/info").respond(200, json={"data": [{"model_name": GOOD["model"], "model_info": abilities}]})


def _asked(route: respx.Route) -> list[dict[str, Any]]:
    return [json.loads(call.request.content) for call in route.calls]


@pytest.mark.parametrize(
    ("abilities", "asked"), [(CAN_ALL, "json_schema"), (CAN_JSON, "json_object"), (CAN_NOTHING, None)]
)
def test_a_step_is_asked_for_as_the_model_can_answer_it(
    client: TestClient, litellm: respx.Router, abilities: dict[str, Any], asked: str | None
) -> None:
    _knows(litellm, abilities)
    route = litellm.post(PATH).mock(side_effect=[PLANNED, ANSWERED])
    assert client.post(PATH, json=GOOD, headers=REASONING).status_code == 200
    step, synthesis = _asked(route)
    assert step.get("response_format", {}).get("type") == asked
    assert "response_format" not in synthesis


def test_a_form_that_the_provider_refuses_is_reduced_and_asked_for_no_more(
    client: TestClient, litellm: respx.Router
) -> None:
    _knows(litellm, CAN_ALL)
    no = httpx.Response(400, json=REFUSED)
    route = litellm.post(PATH).mock(side_effect=[no, PLANNED, ANSWERED, PLANNED, ANSWERED])
    for _ in range(2):
        assert client.post(PATH, json=GOOD, headers=REASONING).status_code == 200
    first, reduced, _, again, _ = _asked(route)
    assert "maxLength" in json.dumps(first["response_format"])
    assert "maxLength" not in json.dumps(reduced["response_format"])
    assert again["response_format"] == reduced["response_format"]


def test_a_request_that_is_refused_in_every_form_fails_with_the_first_reason_and_costs_the_model_nothing(
    client: TestClient, litellm: respx.Router
) -> None:
    _knows(litellm, CAN_ALL)
    no = httpx.Response(400, json=REFUSED)
    route = litellm.post(PATH).mock(side_effect=[no, no, no, no, PLANNED, ANSWERED])
    response = client.post(PATH, json=GOOD, headers=REASONING)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "response_format")
    assert client.post(PATH, json=GOOD, headers=REASONING).status_code == 200
    sent = _asked(route)
    assert len(sent) == 6
    assert sent[4]["response_format"] == sent[0]["response_format"]


def test_a_steps_length_is_limited_and_the_answers_is_the_callers(client: TestClient, litellm: respx.Router) -> None:
    _knows(litellm, CAN_ALL)
    route = litellm.post(PATH).mock(side_effect=[PLANNED, ANSWERED])
    client.post(PATH, json={**GOOD, "max_completion_tokens": 7}, headers=REASONING)
    step, synthesis = _asked(route)
    assert (step["max_tokens"], "max_completion_tokens" in step) == (4096, False)
    assert (synthesis["max_completion_tokens"], "max_tokens" in synthesis) == (7, False)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (_says({"content": "I think that"}, "length"), "cut off at its length limit"),
        (_says({"content": ""}), "it was empty"),
        (_says({"content": None, "tool_calls": [{"function": {"name": "add", "arguments": "{}"}}]}), "natively (add)"),
        (_says({"content": "So be it."}), "not one JSON object but words"),
    ],
)
def test_the_model_is_told_what_it_did_and_turns_alternate(
    client: TestClient, litellm: respx.Router, reply: httpx.Response, told: str
) -> None:
    _knows(litellm, CAN_ALL)
    route = litellm.post(PATH).mock(side_effect=[reply, PLANNED, ANSWERED])
    assert client.post(PATH, json=GOOD, headers=REASONING).status_code == 200
    _, repaired, synthesis = _asked(route)
    assert [message["role"] for message in repaired["messages"]] == ["system", "user", "assistant", "user"]
    assert [message["role"] for message in synthesis["messages"]] == ["system", "user", "assistant", "user"]
    assert told in repaired["messages"][-1]["content"]
    assert all(message["content"] for message in repaired["messages"])


def test_what_says_nothing_without_tools_is_left_out_of_the_answer(client: TestClient, litellm: respx.Router) -> None:
    _knows(litellm, CAN_ALL)
    route = litellm.post(PATH).mock(side_effect=[PLANNED, ANSWERED])
    said = {"tools": [], "tool_choice": "none", "parallel_tool_calls": True, "response_format": {"type": "text"}}
    assert client.post(PATH, json={**GOOD, **said}, headers=REASONING).status_code == 200
    synthesis = _asked(route)[-1]
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(synthesis)
    assert synthesis["response_format"] == {"type": "text"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("field", "value"), [("temperature", 7), ("n", 0), ("seed", "x"), ("stop", ["."] * 9)])
def test_what_the_answer_cannot_be_asked_for_with_is_refused_before_the_first_step(
    client: TestClient, litellm: respx.Router, field: str, value: Any, stream: bool
) -> None:
    _knows(litellm, CAN_ALL)
    route = litellm.post(PATH)
    response = client.post(PATH, json={**GOOD, field: value, "stream": stream}, headers=REASONING)
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)
    assert response.headers["x-routing-decision"] == "reasoning"
    assert route.call_count == 0


def test_the_model_itself_is_asked_whatever_the_fields_hold(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).mock(return_value=ANSWERED)
    assert client.post(PATH, json={**GOOD, "temperature": 7}).status_code == 200
    assert _asked(route)[0]["temperature"] == 7
