"""Whatever is sent: the rules in their order, an id that can be one, and never somebody else's."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.context import Caller, Permission
from api.errors import InvalidHeader
from api.memory import MemoryRouting, MemoryUser, Rule
from api.memory.body_user import is_user_id, person
from api.memory.header_patterns import compiled
from tests.support.growth import assert_linear
from tests.unit_tests.api.memory.support import EVERYTHING, TRUSTED, headers, routing


def _rules(text: str = EVERYTHING) -> MemoryRouting:
    with TemporaryDirectory() as folder:
        return routing(Path(folder), text)


RULES = _rules()
PERSON = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=190)
ANY = PERSON | st.text(alphabet=st.characters(max_codepoint=0xFF), max_size=300)
AGENT = st.sampled_from(["claude-cli/2", "OpenAIClientImpl/Java", "curl", "x" * 1_001]) | ANY
FIELDS = {"x_memory_user_id": ANY, "user_agent": AGENT, "x_openwebui_user_id": ANY, "x_forwarded_email": ANY}
SENT = st.fixed_dictionaries({}, optional=FIELDS)
CALLERS = st.builds(Caller, st.just("c"), st.none() | PERSON, st.none(), st.frozensets(st.sampled_from(Permission)))
BODY = st.none() | ANY


def _resolved(sent: dict[str, str], caller: Caller, body_user: str | None) -> MemoryUser | InvalidHeader | None:
    try:
        return RULES.resolve(headers(**sent), caller, body_user)
    except InvalidHeader as error:
        return error


@given(SENT, CALLERS, BODY)
def test_a_user_is_always_one_that_can_be_sent(sent: dict[str, str], caller: Caller, body_user: str | None) -> None:
    user = _resolved(sent, caller, body_user)
    assert not isinstance(user, MemoryUser) or is_user_id(user.id)


@given(SENT, CALLERS, BODY)
def test_who_may_not_choose_gets_the_same_whatever_name_is_sent(
    sent: dict[str, str], caller: Caller, body_user: str | None
) -> None:
    """But for the name that the configuration listens to from everyone."""
    chosen = {"x_memory_user_id", "x_openwebui_user_id"}
    quiet = {name: value for name, value in sent.items() if name not in chosen}
    plain = Caller("c", caller.memory_user, None, caller.allowed - {Permission.SET_MEMORY_USER})
    with_names, without = _resolved(sent, plain, body_user), _resolved(quiet, plain, None)
    assert getattr(with_names, "id", None) == getattr(without, "id", None)
    assert not isinstance(with_names, InvalidHeader)


@given(SENT, CALLERS, BODY)
def test_no_rule_answers_before_one_above_it(sent: dict[str, str], caller: Caller, body_user: str | None) -> None:
    user = _resolved(sent, caller, body_user)
    if not isinstance(user, MemoryUser):
        return
    may = Permission.SET_MEMORY_USER in caller.allowed
    above = list(Rule)[: list(Rule).index(user.rule)]
    assert Rule.HEADER not in above or not ("x_memory_user_id" in sent and may)
    assert Rule.CALLER not in above or caller.memory_user is None
    assert Rule.PATTERN not in above or not sent.get("user_agent", "").startswith(
        ("claude-cli", "OpenAIClientImpl/Java")
    )
    assert Rule.BODY_USER not in above or not (body_user and may)


@given(SENT, CALLERS, BODY)
def test_a_rule_that_answers_says_what_it_was_told(sent: dict[str, str], caller: Caller, body_user: str | None) -> None:
    user = _resolved(sent, caller, body_user)
    if isinstance(user, MemoryUser):
        told = {
            Rule.HEADER: sent.get("x_memory_user_id"),
            Rule.CALLER: caller.memory_user,
            Rule.PATTERN: user.matched_pattern and user.matched_pattern.user_id,
            Rule.BODY_USER: body_user and person(body_user),
            Rule.DEFAULT: "everybody",
        }
        assert user.id == told[user.rule]


@given(PERSON, PERSON)
def test_two_people_behind_a_pattern_stay_two(one: str, other: str) -> None:
    users = [_resolved({"x_openwebui_user_id": name}, TRUSTED, None) for name in (one, other)]
    assert (users[0] == users[1]) == (one == other)


@given(SENT, CALLERS, BODY)
def test_info_says_what_is_done(sent: dict[str, str], caller: Caller, body_user: str | None) -> None:
    user = _resolved(sent, caller, body_user)
    if isinstance(user, InvalidHeader):
        with pytest.raises(InvalidHeader):
            RULES.info(headers(**sent), caller, body_user)
        return
    told = RULES.info(headers(**sent), caller, body_user)
    assert (told["user_id"], told["rule"]) == ((user.id, user.rule.value) if user else (None, None))
    assert told["custom_header_present"] == ("x_memory_user_id" in sent)


def test_no_pattern_takes_for_ever() -> None:
    search = compiled("x-u", "^(a+)+$", "u").search
    assert_linear(search, lambda size: b"a" * size + b"!")
