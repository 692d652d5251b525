"""Tokens: protected by default, accepted in either header, named only by fingerprint."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.callers import Callers
from api.config import Settings
from api.edge.auth import PUBLIC_ROUTES, TokenAuthenticator
from api.errors import Unauthenticated
from api.main import create_app
from tests.unit_tests.api.conftest import TOKEN

NOBODY = Path(__file__).parents[4] / "config" / "callers.yaml"
AUTHENTICATOR = TokenAuthenticator(Callers(NOBODY, [SecretStr("first"), SecretStr("second")]))


@pytest.mark.parametrize("header", ["Bearer first", "bearer second", "Bearer  first "])
def test_each_configured_token_is_accepted(header: str) -> None:
    assert AUTHENTICATOR.authenticate(header).id.startswith("token-")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic first", "first", "Bearer firs", "Bearer first,second"]
)
def test_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        AUTHENTICATOR.authenticate(header)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic first", "Bearer wrong", "Bearer sk-ant-placeholder"])
def test_x_api_key_is_a_token_like_any_whatever_stands_in_the_other_header(header: str | None) -> None:
    assert AUTHENTICATOR.authenticate(header, " second ") == AUTHENTICATOR.authenticate("Bearer second")


@pytest.mark.parametrize("api_key", [None, "", "wrong", "first"])
def test_a_bearer_token_counts_whatever_stands_in_x_api_key(api_key: str | None) -> None:
    assert AUTHENTICATOR.authenticate("Bearer first", api_key) == AUTHENTICATOR.authenticate("Bearer first")


def test_of_two_tokens_that_are_both_accepted_the_bearer_token_counts() -> None:
    assert AUTHENTICATOR.authenticate("Bearer second", "first") == AUTHENTICATOR.authenticate("Bearer second")


@pytest.mark.parametrize(("header", "api_key"), [(None, "wrong"), ("Bearer wrong", "wrong too"), ("Basic first", " ")])
def test_neither_header_lets_in_what_is_no_token(header: str | None, api_key: str) -> None:
    with pytest.raises(Unauthenticated):
        AUTHENTICATOR.authenticate(header, api_key)


@pytest.mark.parametrize("header", [None, "Basic first"])
def test_a_refusal_names_both_ways_to_send_a_token(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match=r"`Authorization: Bearer TOKEN` or as `x-api-key: TOKEN`"):
        AUTHENTICATOR.authenticate(header)


@pytest.mark.parametrize("header", ["x-api-key", "X-Api-Key"])
def test_a_request_with_x_api_key_alone_is_let_in(client: TestClient, header: str) -> None:
    del client.headers["authorization"]
    assert client.get("/v1/nowhere", headers={header: TOKEN}).status_code == 404


def test_a_caller_is_a_fingerprint_that_differs_per_token_and_hides_it() -> None:
    first, second = AUTHENTICATOR.authenticate("Bearer first"), AUTHENTICATOR.authenticate("Bearer second")
    assert first != second
    assert "first" not in first.id


def test_every_route_but_the_public_ones_asks_for_a_token(client: TestClient) -> None:
    del client.headers["authorization"]
    routes = [(path, method) for path, item in client.app.described.openapi()["paths"].items() for method in item]  # type: ignore[attr-defined]
    assert ("/v1/chat/completions", "post") in routes
    open_routes = {path for path, method in routes if client.request(method, path).status_code != 401}
    assert open_routes <= PUBLIC_ROUTES


def test_a_path_that_does_not_exist_is_protected_too(client: TestClient) -> None:
    assert client.get("/v1/nowhere", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_a_refusal_has_openais_shape_and_does_not_repeat_the_token(client: TestClient) -> None:
    response = client.get("/v1/models", headers={"authorization": "Bearer not-the-token"})
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert "not-the-token" not in response.text


def test_require_auth_false_lets_everyone_in(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"require_auth": False}))
    with TestClient(app) as client:
        assert client.get("/v1/nowhere").status_code == 404


def test_the_token_of_the_tests_is_accepted(client: TestClient) -> None:
    assert client.get("/v1/nowhere", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404
