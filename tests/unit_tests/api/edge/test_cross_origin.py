"""Pages of other origins: none may call, unless its origin is listed; then every answer says so."""

from collections.abc import Iterator, Mapping
from typing import cast

import pytest
import respx
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from api.config import Settings
from api.dialects.openai.schemas import ANSWER_HEADERS, MODELS_HEADERS, REQUEST_ID, ROUTING_HEADERS
from api.edge.cross_origin import EXPOSED
from api.main import Application, create_app
from tests.support.played_litellm import PlayedTransport
from tests.unit_tests.api.conftest import SSE, TOKEN

PAGE = "https://chat.example.com"
OTHER = "https://other.example.com"
CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
PREFLIGHT = {"access-control-request-method": "POST"}
EVENTS = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def _client(settings: Settings, litellm: respx.Router, *origins: str) -> TestClient:
    app = create_app(
        settings.model_copy(update={"cors_allow_origins": origins}),
        transport=PlayedTransport(litellm),
    )
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def listed(settings: Settings, litellm: respx.Router) -> Iterator[TestClient]:
    with _client(settings, litellm, PAGE, "http://localhost:3000") as client:
        yield client


def _permissions(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


def test_a_preflight_is_refused_with_the_setting_named_and_no_permission(client: TestClient) -> None:
    del client.headers["authorization"]
    response = client.options(CHAT, headers={"origin": PAGE, **PREFLIGHT})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (403, "origin_not_allowed", "Origin")
    assert "CORS_ALLOW_ORIGINS" in error["message"]
    assert _permissions(response.headers) == {}


def test_by_default_no_answer_permits_anything(client: TestClient) -> None:
    response = client.get("/health", headers={"origin": PAGE})
    assert response.status_code == 200
    assert _permissions(response.headers) == {}


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/models", "/health", "/v1/nowhere"])
def test_a_listed_pages_preflight_is_answered_without_a_token(listed: TestClient, path: str) -> None:
    asked = "authorization,content-type,x-routing-mode,x-stainless-arch,x-stainless-retry-count"
    headers = {"origin": PAGE, **PREFLIGHT, "access-control-request-headers": asked}
    response = listed.options(path, headers=headers)
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert {"GET", "POST"} <= set(response.headers["access-control-allow-methods"].split(", "))
    assert {*asked.split(","), "x-session-id", "traceparent"} <= set(allowed)
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize(
    "origin", [OTHER, PAGE + ".evil.example", "https://evil.example/" + PAGE, "null", PAGE + ":444"]
)
def test_a_page_that_is_not_listed_is_refused(listed: TestClient, origin: str) -> None:
    response = listed.options(CHAT, headers={"origin": origin, **PREFLIGHT})
    assert response.status_code == 403
    assert _permissions(response.headers) == {}
    assert "Origin" in response.headers["vary"]


def test_a_page_of_the_internet_may_reach_into_a_private_network_if_it_is_listed(listed: TestClient) -> None:
    headers = {"origin": PAGE, **PREFLIGHT, "access-control-request-private-network": "true"}
    assert listed.options(CHAT, headers=headers).headers["access-control-allow-private-network"] == "true"


def test_header_names_that_are_none_are_not_repeated(listed: TestClient) -> None:
    headers = {"origin": PAGE, **PREFLIGHT, "access-control-request-headers": 'x-a, "<b>"'}
    assert "<b>" not in listed.options(CHAT, headers=headers).headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/health", {}, 200),
        ("POST", CHAT, {}, 401),
        ("POST", CHAT, {"authorization": f"Bearer {TOKEN}"}, 415),
        ("GET", "/v1/nowhere", {"authorization": f"Bearer {TOKEN}"}, 404),
        ("GET", CHAT, {"authorization": f"Bearer {TOKEN}"}, 405),
    ],
)
def test_every_answer_to_a_listed_page_can_be_read_errors_too(
    listed: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = listed.request(method, path, headers={"origin": PAGE, **headers})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-credentials" not in response.headers


def test_a_stream_can_be_read_and_its_headers_too(listed: TestClient, litellm: respx.Router) -> None:
    litellm.post("/v1/chat/completions").respond(200, content=EVENTS, headers=SSE)
    headers = {"origin": PAGE, "authorization": f"Bearer {TOKEN}"}
    response = listed.post(CHAT, json=BODY | {"stream": True}, headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"x-trace-id", "x-request-id", "x-routing-decision"} <= set(exposed)


async def _broken(_request: Request) -> Response:
    raise ZeroDivisionError


def test_a_failure_of_this_server_can_be_read_too(listed: TestClient) -> None:
    cast(Application, listed.app).described.add_route("/broken", _broken)
    response = listed.get("/broken", headers={"origin": PAGE, "authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 500
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["vary"] == "Origin"


def test_an_answer_to_nobody_in_particular_says_that_it_depends_on_the_origin(listed: TestClient) -> None:
    response = listed.get("/health")
    assert "Origin" in response.headers["vary"]
    assert _permissions(response.headers) == {}


def test_a_star_lets_every_page_in_and_never_with_a_browsers_credentials(
    settings: Settings, litellm: respx.Router
) -> None:
    with _client(settings, litellm, "*") as client:
        preflight = client.options(CHAT, headers={"origin": OTHER, **PREFLIGHT})
        answer = client.get("/health", headers={"origin": OTHER})
    for response in (preflight, answer):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


def test_an_options_that_is_no_preflight_is_still_a_405(client: TestClient) -> None:
    assert client.options("/v1/models").status_code == 405


def test_every_header_that_is_described_can_be_read_by_a_page() -> None:
    described = {*ANSWER_HEADERS, *ROUTING_HEADERS, *MODELS_HEADERS, *REQUEST_ID}
    assert described - set(EXPOSED) == set()
