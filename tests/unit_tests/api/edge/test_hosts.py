"""Names that this server answers to: loopback's, addresses, and those that are configured."""

import pytest
from starlette.testclient import TestClient

from api.config import Settings
from api.main import create_app


def _status(settings: Settings, host: str, *allowed: str) -> int:
    app = create_app(settings.model_copy(update={"allowed_hosts": allowed, "require_auth": False}))
    with TestClient(app, headers={"host": host}) as client:
        return client.get("/health").status_code


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "localhost.",
        "api.localhost:8000",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.8.9.1",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_loopback_needs_no_setting(settings: Settings, host: str) -> None:
    assert _status(settings, host) == 200


@pytest.mark.parametrize("host", ["host.docker.internal:8000", "host.containers.internal:8000"])
def test_containers_on_this_machine_need_no_setting(settings: Settings, host: str) -> None:
    assert _status(settings, host) == 200


@pytest.mark.parametrize("host", ["10.1.2.3:8000", "192.168.0.7", "[fd00::7]:8000"])
def test_an_address_is_let_in_because_no_page_can_make_its_own_name_of_it(settings: Settings, host: str) -> None:
    assert _status(settings, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:8000",
        "localhost.rebound.example",
        "127.0.0.1.rebound.example",
        "rebound-localhost",
        "rebound.example:localhost",
        "localhost:8000@rebound.example",
        "localhost@rebound.example",
        "127.0.0.1#rebound.example",
        "[::1].rebound.example",
        "[rebound.example]",
        "1.2.3.4.5",
        "reasoning-api",
        "localhost, rebound.example",
        "",
        ":8000",
    ],
)
def test_another_name_is_refused(settings: Settings, host: str) -> None:
    assert _status(settings, host) == 421


@pytest.mark.parametrize("host", ["api.example.com", "API.example.com:443", "a.b.internal:80"])
def test_a_configured_name_is_let_in_with_any_port_and_a_star_stands_for_what_is_below(
    settings: Settings, host: str
) -> None:
    assert _status(settings, host, "api.example.com", "*.internal") == 200


@pytest.mark.parametrize("host", ["example.com", "x.api.example.com", "internal", "notinternal"])
def test_a_configured_name_lets_in_no_neighbour(settings: Settings, host: str) -> None:
    assert _status(settings, host, "api.example.com", "*.internal") == 421


def test_a_star_lets_in_every_name(settings: Settings) -> None:
    assert _status(settings, "anything.example", "*") == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/health", "/v1/models", "/metrics", "/v1/nowhere"])
def test_a_refusal_comes_before_all_else_in_openais_shape_and_names_the_setting(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"host": "rebound.example"})
    error = response.json()["error"]
    assert response.status_code == 421
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "Host", "host_not_allowed")
    assert "ALLOWED_HOSTS" in error["message"]
    assert response.headers["x-request-id"].startswith("req_")
