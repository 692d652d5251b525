"""Sessions and agents, as each client names them."""

import pytest

from api.errors import InvalidHeader
from api.session_ids import AGENT_HEADER, PARENT_AGENT_HEADER, SESSION_HEADERS, SessionIds, session_ids

ALL = [*SESSION_HEADERS, AGENT_HEADER, PARENT_AGENT_HEADER]


def _of(headers: dict[str, str]) -> SessionIds:
    return session_ids({name.lower().encode(): value.encode("latin-1") for name, value in headers.items()})


def test_a_request_that_says_nothing_has_neither() -> None:
    assert _of({"user-agent": "curl"}) == SessionIds(None, None, None)


@pytest.mark.parametrize("name", SESSION_HEADERS)
def test_each_clients_header_is_a_session(name: str) -> None:
    assert _of({name: "s-1"}) == SessionIds("s-1")


@pytest.mark.parametrize("place", range(len(SESSION_HEADERS)))
def test_the_first_of_the_table_counts(place: int) -> None:
    names = list(SESSION_HEADERS)[place:]
    assert _of({name: name for name in reversed(names)}).session == names[0]


def test_what_claude_code_says_of_its_agents_is_kept() -> None:
    said = {"X-Claude-Code-Session-Id": "s", AGENT_HEADER: "child", PARENT_AGENT_HEADER: "mother"}
    assert _of(said) == SessionIds("s", "child", "mother")


def test_an_agent_without_a_session_is_an_agent() -> None:
    assert _of({AGENT_HEADER: "child"}) == SessionIds(None, "child", None)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("value", ["", "a b", "ä", "a\tb", "a" * 201])
def test_an_id_that_cannot_be_one_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidHeader, match="1 to 200 visible ASCII") as caught:
        _of({name: value})
    assert caught.value.param == name


@pytest.mark.parametrize("name", ALL)
def test_an_id_may_have_two_hundred_characters(name: str) -> None:
    assert "!" * 199 + "~" in _of({name: "!" * 199 + "~"})


def test_a_session_that_does_not_count_is_not_looked_at() -> None:
    assert _of({"X-Session-ID": "mine", "Session-Id": "not an id"}).session == "mine"
