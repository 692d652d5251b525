"""Headers: two are read, and a bad one is a 400 that names what it may be."""

import json

import pytest
import respx
from starlette.testclient import TestClient

from api.session_ids import SESSION_HEADERS
from tests.unit_tests.api.conftest import ANSWER
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH


@pytest.mark.parametrize("mode", ["", "Reasoning!", "none", "passthrough,auto"])
def test_an_unknown_routing_mode_names_the_valid_ones(client: TestClient, mode: str) -> None:
    response = client.post(PATH, json=GOOD, headers={"X-Routing-Mode": mode})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == "X-Routing-Mode"
    assert all(valid in error["message"] for valid in ("passthrough", "reasoning", "auto"))


@pytest.mark.parametrize("session", ["", "a b", "x" * 201, "caf\xe9"])
def test_an_unusable_session_id_is_named(client: TestClient, session: str) -> None:
    response = client.post(PATH, json=GOOD, headers={b"x-session-id": session.encode("latin-1")})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "X-Session-ID"


def test_the_session_reaches_litellms_spend_log(client: TestClient, litellm: respx.Router) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD, headers={"X-Session-ID": "conversation-7"})
    sent = json.loads(route.calls.last.request.content)
    assert sent["metadata"]["spend_logs_metadata"]["session_id"] == "conversation-7"


@pytest.mark.parametrize("header", SESSION_HEADERS)
def test_a_clients_own_session_is_one_too(client: TestClient, litellm: respx.Router, header: str) -> None:
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD, headers={header: "conversation-8"})
    sent = json.loads(route.calls.last.request.content)
    assert sent["metadata"]["spend_logs_metadata"]["session_id"] == "conversation-8"


@pytest.mark.parametrize("header", ["X-Claude-Code-Agent-Id", "X-OpenWebUI-Chat-Id"])
def test_an_id_of_a_client_that_cannot_be_used_is_named(client: TestClient, header: str) -> None:
    response = client.post(PATH, json=GOOD, headers={header: "a b"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, header)
