"""Paths with a slash too many, and HEAD."""

from collections.abc import Mapping

import pytest
from starlette.testclient import TestClient

PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings"]


def _with_slashes(path: str) -> list[str]:
    return [f"{path}/", f"{path}//", f"/{path}", path.replace("/v1/", "/v1//")]


@pytest.mark.parametrize("path", [written for path in PATHS for written in _with_slashes(path)])
def test_a_slash_too_many_is_served_as_without(client: TestClient, path: str) -> None:
    # A path that starts with two slashes is a host to whoever joins URLs.
    response = client.post(f"http://testserver{path}", json={}, follow_redirects=False)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "missing_required_parameter")


@pytest.mark.parametrize("path", ["/v1/models", "/tools", "/health", "/health/ready", "/docs", "/openapi.json"])
def test_what_can_be_got_can_be_got_with_a_slash(client: TestClient, path: str) -> None:
    plain, slashed = (client.get(written, follow_redirects=False) for written in (path, f"{path}/"))
    assert slashed.status_code == plain.status_code < 500 or plain.status_code == 503
    assert "location" not in slashed.headers


@pytest.mark.parametrize("path", ["/V1/models", "/v1/Models/", "/v1/chat/completions/x", "/v1/chat", "/v1/"])
def test_another_path_is_openais_404(client: TestClient, path: str) -> None:
    response = client.post(path, json={}, follow_redirects=False)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/models/", "//v1/models", "/v1//models", "/docs//v1/models"])
def test_a_slash_opens_no_door(client: TestClient, path: str) -> None:
    del client.headers["authorization"]
    assert client.get(f"http://testserver{path}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/docs/start.js"])
def test_a_head_is_answered_as_the_get_without_its_body(client: TestClient, path: str) -> None:
    got, asked = client.get(path), client.head(path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert _described(asked.headers) == _described(got.headers)


def _described(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-request-id"}


def test_a_head_is_counted_by_its_route(client: TestClient) -> None:
    client.head("/health")
    counted = [line for line in client.get("/metrics").text.splitlines() if 'http_request_method="HEAD"' in line]
    assert counted
    assert all('http_route="/health"' in line for line in counted if "http_route" in line)


def test_a_wrong_method_names_the_right_ones(client: TestClient) -> None:
    assert client.post("/v1/models").headers["allow"] == "GET, HEAD"
    assert client.get("/v1/chat/completions").headers["allow"] == "POST"
    assert client.head("/v1/chat/completions").status_code == 405


def test_a_clients_own_request_id_is_not_repeated(client: TestClient) -> None:
    sent = "x" * 5000
    response = client.get("/health", headers={"x-request-id": sent})
    assert response.headers["x-request-id"].startswith("req_")
