"""Ready means that calls can be made: a LiteLLM with its database, and a key that it accepts."""

import asyncio

import httpx
import pytest
import respx
from starlette.testclient import TestClient

from api.errors import NotReady
from api.llm import Lookups, OwnKey, Readiness, SpendWatch
from tests.support.played_litellm import played_client
from tests.unit_tests.api.conftest import ANSWER, sent_to
from tests.unit_tests.api.edge.test_request_body import GOOD, PATH

WELL = httpx.Response(200, json={"status": "healthy", "db": "connected"})
KEY = httpx.Response(200, json={"info": {"status": "active", "metadata": {"environment": "test"}}})
HTML = httpx.Response(200, text="<html>")


def test_ready_means_a_database_and_an_accepted_key(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/health/readiness").respond(200, json={"status": "healthy", "db": "connected"})
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("readiness", "key"),
    [
        (httpx.Response(200, json={"db": "Not connected"}), KEY),
        (httpx.Response(503, json={}), KEY),
        (HTML, KEY),
        (httpx.Response(200, json=[]), KEY),
        (WELL, httpx.Response(401, json={"error": {"message": "bad key"}})),
        (WELL, httpx.Response(503, json={"error": {"message": "no database", "type": "no_db_connection"}})),
        (WELL, httpx.Response(500, json={"error": {"message": "no database"}})),
        (WELL, httpx.Response(200, json={"info": {"status": "deleted"}})),
        (WELL, httpx.Response(200, json=[])),
        (WELL, HTML),
    ],
    ids=[
        *("no database", "not ready", "readiness is no JSON", "readiness is a list", "key refused"),
        *("key cannot be looked up", "key info fails", "key deleted", "key info is a list", "key info is no JSON"),
    ],
)
def test_not_ready_is_a_503_that_says_why(
    client: TestClient, litellm: respx.Router, readiness: httpx.Response, key: httpx.Response
) -> None:
    litellm.get("/health/readiness").mock(return_value=readiness)
    litellm.get("/key/info").mock(return_value=key)
    litellm.get("/v1/models").respond(200, json={"data": []})
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "not_ready"


@pytest.mark.parametrize("status", [403, 404], ids=["may not ask", "has no row"])
@pytest.mark.parametrize(("models", "ready"), [(200, 200), (401, 503)])
def test_a_key_that_litellm_says_nothing_of_is_ready_if_it_may_list_models(
    client: TestClient, litellm: respx.Router, status: int, models: int, ready: int
) -> None:
    litellm.get("/health/readiness").mock(return_value=WELL)
    litellm.get("/key/info").respond(status, json={"detail": "nothing"})
    litellm.get("/v1/models").respond(models, json={"data": []})
    assert client.get("/health/ready").status_code == ready


@pytest.mark.parametrize("path", ["/health/readiness", "/key/info"])
async def test_a_litellm_that_hangs_is_not_ready_within_the_checks_own_limit(litellm: respx.Router, path: str) -> None:
    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError("was waited for")

    litellm.get("/health/readiness").mock(return_value=WELL)
    litellm.get(path).mock(side_effect=hang)
    async with played_client(litellm) as client:
        lookups = Lookups(client)
        with pytest.raises(NotReady) as told:
            await Readiness(lookups, OwnKey(lookups.key_info), SpendWatch(), within=0.1).check()
    assert (told.value.status_code, told.value.error_code) == (503, "not_ready")


def test_who_asks_for_readiness_learns_the_environment_for_the_calls(client: TestClient, litellm: respx.Router) -> None:
    litellm.get("/health/readiness").mock(return_value=WELL)
    asked = litellm.get("/key/info").mock(return_value=KEY)
    client.get("/health/ready")
    route = litellm.post(PATH).respond(200, json=ANSWER)
    client.post(PATH, json=GOOD)
    assert (sent_to(route)["metadata"]["environment"], asked.call_count) == ("test", 1)


def test_alive_does_not_depend_on_litellm(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
