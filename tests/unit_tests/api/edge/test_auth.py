"""Bearer tokens: protected by default, compared whole, named only by fingerprint."""

import contextlib
import hashlib
import hmac

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.config import Settings
from api.edge.auth import PUBLIC_ROUTES, TokenAuthenticator
from api.errors import Unauthenticated
from api.main import create_app
from tests.unit_tests.api.conftest import TOKEN

AUTHENTICATOR = TokenAuthenticator([SecretStr("first"), SecretStr("second")])


@pytest.mark.parametrize("header", ["Bearer first", "bearer second", "Bearer  first "])
def test_each_configured_token_is_accepted(header: str) -> None:
    assert AUTHENTICATOR.authenticate(header).id.startswith("token-")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic first", "first", "Bearer firs", "Bearer first,second"]
)
def test_anything_else_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        AUTHENTICATOR.authenticate(header)


@pytest.mark.parametrize("sent", ["first", "second", "third", "neither"])
def test_every_token_is_compared_in_constant_time_also_after_a_match(
    sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(sent: bytes, known: bytes) -> bool:
        compared.append((sent, known))
        return sent == known

    tokens = ("first", "second", "third")
    authenticator = TokenAuthenticator([SecretStr(token) for token in tokens])
    monkeypatch.setattr(hmac, "compare_digest", compare)
    with contextlib.suppress(Unauthenticated):
        authenticator.authenticate(f"Bearer {sent}")
    digests = {name: hashlib.sha256(name.encode()).digest() for name in (*tokens, sent)}
    assert compared == [(digests[sent], digests[token]) for token in tokens]


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
