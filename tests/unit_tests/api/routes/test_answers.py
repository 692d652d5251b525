"""What the caller is told of the decision: on every path, and beside errors."""

from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from api.protocol import RoutingMode
from tests.unit_tests.api.routing.test_router import AUTO, PATH, PLAIN, REASONING, TOOLS


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [429, 500])
def test_an_error_of_the_provider_tells_the_decision_too(
    client: TestClient, litellm: respx.Router, status: int, stream: bool
) -> None:
    litellm.post(PATH).respond(status, json={"error": {"message": "no"}})
    answer = client.post(PATH, json=TOOLS | {"stream": stream}, headers={"x-routing-mode": "auto"})
    assert answer.status_code == status
    assert (answer.headers["x-routing-decision"], answer.headers["x-routing-source"]) == (
        "passthrough",
        "passthrough_rule",
    )
    assert answer.headers["x-routing-overruled"].startswith("auto; ")


def test_an_error_of_our_own_tells_the_decision_too(
    client: TestClient, litellm: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = litellm.post(PATH)
    monkeypatch.delattr("api.passthrough.Recorder")
    answer = client.post(PATH, json=PLAIN)
    assert answer.status_code == 500
    assert answer.headers["x-routing-decision"] == "passthrough"
    assert called.call_count == 0


def test_an_error_before_the_decision_tells_none(client: TestClient) -> None:
    assert not [name for name in client.post(PATH, json={}).headers if name.startswith("x-routing-")]


OTHERS: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"model": "m", "input": "q"},
    "/v1/completions": {"model": "m", "prompt": "q"},
}


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("asked", [None, *RoutingMode])
@pytest.mark.parametrize("path", OTHERS)
def test_another_path_is_the_models_and_says_so(
    client: TestClient, litellm: respx.Router, path: str, asked: RoutingMode | None, status: int
) -> None:
    litellm.post(path).respond(status, json={})
    headers = {"x-routing-mode": asked.value} if asked else {}
    answer = client.post(path, json=OTHERS[path], headers=headers)
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-routing-")}
    overruled = {"x-routing-overruled": f"{asked}; {path} is always answered by the model itself"}
    assert answer.status_code == status
    assert told == {"x-routing-decision": "passthrough", "x-routing-source": "passthrough_rule"} | (
        overruled if asked in (REASONING, AUTO) else {}
    )


@pytest.mark.parametrize("path", OTHERS)
def test_a_mode_that_there_is_not_is_a_400_on_every_path(client: TestClient, path: str) -> None:
    answers = [
        client.post(where, json=body, headers={"x-routing-mode": "thinking"})
        for where, body in ((PATH, PLAIN), (path, OTHERS[path]))
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
