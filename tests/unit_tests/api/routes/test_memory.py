"""GET /memory-routing/info: what a request with these headers would get."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit_tests.api.conftest import token

PATH = "/memory-routing/info"
CLAUDE = {"user-agent": "claude-cli/2.1 (external)"}
TOLD: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "the custom header": (
        "chat-page",
        {"x-memory-user-id": "carol"},
        {"user_id": "carol", "rule": "custom_header", "custom_header_present": True, "custom_header_ignored": False},
    ),
    "one that is ignored": (
        "bob",
        {"x-memory-user-id": "carol"},
        {"user_id": None, "rule": None, "custom_header_present": True, "custom_header_ignored": True},
    ),
    "the caller": ("alice", CLAUDE, {"user_id": "alice", "rule": "caller", "matched_pattern": None}),
    "a pattern": (
        "bob",
        CLAUDE,
        {"matched_pattern": {"header": "user-agent", "pattern": "^claude-cli", "user_id": "claude-cli"}},
    ),
    "nobody": ("bob", {}, {"enabled": True, "user_id": None, "is_default": False}),
}


@pytest.mark.parametrize("rule", TOLD)
def test_it_tells_who_and_by_which_rule(named: TestClient, rule: str) -> None:
    name, headers, told = TOLD[rule]
    answer = named.get(PATH, headers=token(name) | headers)
    assert answer.status_code == 200
    assert answer.json().items() >= told.items()


def test_it_asks_for_a_token(named: TestClient) -> None:
    assert named.get(PATH).status_code == 401


def test_a_header_that_cannot_be_used_is_named(named: TestClient) -> None:
    answer = named.get(PATH, headers=token("chat-page") | {"x-memory-user-id": ""})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-memory-user-id")


def test_switched_off_it_says_so(client: TestClient) -> None:
    assert client.get(PATH).json()["reason"] == "Memory routing is switched off."
