"""The person whom a body names, the same in every session."""

import json

import pytest

from api.memory.body_user import person

DEVICE, ACCOUNT = "d" * 64, "0b5f1a2c-0000-4000-8000-000000000001"


def test_a_plain_name_is_itself() -> None:
    assert person("bob@example.com") == "bob@example.com"


@pytest.mark.parametrize(("account", "who"), [(ACCOUNT, ACCOUNT), ("", DEVICE), (None, DEVICE), (7, DEVICE)])
def test_claude_codes_account_or_else_its_device_is_the_person(account: object, who: str) -> None:
    said = {"device_id": DEVICE, "account_uuid": account, "session_id": "s"}
    assert person(json.dumps(said)) == who


def test_two_sessions_are_one_person() -> None:
    said = [json.dumps({"device_id": DEVICE, "account_uuid": "", "session_id": session}) for session in "ab"]
    assert person(said[0]) == person(said[1])


@pytest.mark.parametrize(("account", "who"), [(ACCOUNT, ACCOUNT), ("", "a" * 64)])
def test_the_form_before_it_is_read_too(account: str, who: str) -> None:
    assert person(f"user_{'a' * 64}_account_{account}_session_{ACCOUNT}") == who


@pytest.mark.parametrize(
    "said",
    [
        "",
        "a b",
        "ä",
        "a" * 201,
        "{",
        "{}",
        "[]" * 200,
        '{"session_id": "s"}',
        '{"account_uuid": "a b"}',
        '{"a":' + "[" * 990,
    ],
)
def test_nothing_else_is_a_person(said: str) -> None:
    assert person(said) is None
