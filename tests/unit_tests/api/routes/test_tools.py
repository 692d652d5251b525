"""GET /tools: who may see it."""

import pytest
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import TOKEN, token


@pytest.mark.parametrize("header", [token("chat-page"), {"x-api-key": TOKEN}], ids=["allowed", "of API_TOKENS"])
def test_who_may_see_the_tools_does(named: TestClient, header: dict[str, str]) -> None:
    assert named.get("/tools", headers=header).json() == {"tools": [], "servers": []}


def test_a_caller_that_is_not_allowed_is_told_what_it_needs(named: TestClient) -> None:
    answer = named.get("/tools", headers=token("bob"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "caller_not_allowed")
    assert "`allowed: [tools]`" in answer.json()["error"]["message"]
