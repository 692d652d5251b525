"""Errors in the dialect of whoever asked."""

import json
from typing import Any

import pytest
import respx
from starlette.testclient import TestClient

from api.edge.rendering import speaks_anthropic
from tests.unit_tests.api.conftest import TOKEN

VERSION = {"anthropic-version": "2023-06-01"}


def _scope(path: str, **headers: str) -> dict[str, Any]:
    return {"path": path, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    "path", ["/v1/messages", "/v1/messages/", "/v1/messages/count_tokens", "//v1//messages", "/v1/messages/batches"]
)
def test_the_paths_of_messages_are_anthropics(path: str) -> None:
    assert speaks_anthropic(_scope(path))


@pytest.mark.parametrize("path", ["/v1/models", "/", "/nowhere", "/v1/v1/messages"])
def test_so_is_every_request_of_its_clients(path: str) -> None:
    assert speaks_anthropic(_scope(path, **VERSION))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages_of_mine", "/messages", "/v1/models"])
def test_all_else_is_openais(path: str) -> None:
    assert not speaks_anthropic(_scope(path))


EVIL = {"origin": "https://evil.example", "access-control-request-method": "POST"}
REFUSALS: dict[str, tuple[str, str, dict[str, str], int, str]] = {
    "no token": ("POST", "/v1/messages", {"authorization": ""}, 401, "authentication_error"),
    "a wrong token": ("POST", "/v1/messages", {"authorization": "Bearer x"}, 401, "authentication_error"),
    "another host": ("POST", "/v1/messages", {"host": "evil.example"}, 421, "invalid_request_error"),
    "another origin": ("OPTIONS", "/v1/messages", EVIL, 403, "permission_error"),
    "another method": ("GET", "/v1/messages", {}, 405, "invalid_request_error"),
    "no such path": ("POST", "/v1/messages/batches", {}, 404, "not_found_error"),
    "no such path of an anthropic client": ("POST", "/v1/v1/messages", VERSION, 404, "not_found_error"),
    "no JSON": ("POST", "/v1/messages", {"content-type": "text/plain"}, 415, "invalid_request_error"),
    "headers without end": ("POST", "/v1/messages", {"x-long": "a" * 70_000}, 431, "invalid_request_error"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_whatever_is_refused_on_the_way_is_told_in_the_callers_dialect(client: TestClient, what: str) -> None:
    method, path, headers, status, kind = REFUSALS[what]
    response = client.request(method, path, headers=headers)
    body = response.json()
    assert (response.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["request_id"] == response.headers["request-id"] == response.headers["x-request-id"]


def test_a_base_url_with_v1_is_found_out(client: TestClient) -> None:
    assert "before /v1" in client.post("/v1/v1/messages", headers=VERSION).json()["error"]["message"]


def test_a_failure_of_our_own_is_told_in_it_too(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/v1/models").mock(side_effect=RuntimeError("boom"))
    response = client.post(
        "/v1/messages", json={"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "a"}]}
    )
    assert (response.status_code, response.json()["error"]["type"]) == (500, "api_error")


def test_openais_clients_are_told_in_theirs(client: TestClient) -> None:
    response = client.post("/v1/chat/completions", json={}, headers={"authorization": f"Bearer {TOKEN}"})
    assert json.loads(response.content)["error"]["code"] == "missing_required_parameter"
