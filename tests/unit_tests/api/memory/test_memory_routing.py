"""Whose memory a request is about: the rules one by one, their order, and what is never taken for somebody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.context import Caller
from api.errors import InvalidHeader
from api.memory import MemoryRouting, Rule
from tests.unit_tests.api.memory.support import ALICE, EVERYTHING, PLAIN, TRUSTED, headers, routing

CLAUDE = headers(user_agent="claude-cli/2.1.197 (external, sdk-cli)")
JAVA = headers(user_agent="OpenAIClientImpl/Java 4.1")


@pytest.fixture
def rules(tmp_path: Path) -> MemoryRouting:
    return routing(tmp_path)


def _who(
    rules: MemoryRouting, sent: dict[bytes, bytes], caller: Caller, body_user: str | None = None
) -> tuple[str, str]:
    user = rules.resolve(sent, caller, body_user)
    return (user.id, user.rule.value) if user else ("", "")


def test_a_trusted_callers_header_names_the_user(rules: MemoryRouting) -> None:
    assert _who(rules, headers(x_memory_user_id="bob"), TRUSTED) == ("bob", "custom_header")


def test_anybody_elses_header_is_ignored(rules: MemoryRouting) -> None:
    assert _who(rules, headers(x_memory_user_id="bob"), ALICE) == ("alice", "caller")
    assert _who(rules, headers(x_memory_user_id="bob"), PLAIN) == ("everybody", "default")


@pytest.mark.parametrize("value", ["", "a b", "bøb", "a" * 201, "a\tb"])
def test_a_trusted_callers_header_that_is_no_id_is_an_error(rules: MemoryRouting, value: str) -> None:
    with pytest.raises(InvalidHeader) as caught:
        rules.resolve(headers(x_memory_user_id=value), TRUSTED)
    assert caught.value.param == "x-memory-user-id"


def test_a_token_brings_its_user(rules: MemoryRouting) -> None:
    assert _who(rules, CLAUDE, ALICE, "bob") == ("alice", "caller")


@pytest.mark.parametrize(("sent", "user"), [(CLAUDE, "claude-cli"), (JAVA, "pycharm-ai")])
def test_a_client_is_told_by_its_user_agent(rules: MemoryRouting, sent: dict[bytes, bytes], user: str) -> None:
    assert _who(rules, sent, PLAIN) == (user, "pattern")


def test_a_group_is_part_of_the_user(rules: MemoryRouting) -> None:
    assert _who(rules, headers(x_openwebui_user_id="7"), TRUSTED) == ("webui-7", "pattern")


def test_named_and_numbered_groups_go_together(rules: MemoryRouting) -> None:
    assert _who(rules, headers(x_forwarded_email="ann@home.example"), PLAIN) == ("ann.of.home", "pattern")


def test_a_header_that_chooses_the_user_counts_from_trusted_callers_alone(rules: MemoryRouting) -> None:
    assert _who(rules, headers(x_openwebui_user_id="7"), PLAIN) == ("everybody", "default")


def test_the_first_pattern_that_matches_wins(rules: MemoryRouting) -> None:
    assert _who(rules, CLAUDE | headers(x_openwebui_user_id="7"), TRUSTED) == ("claude-cli", "pattern")


@pytest.mark.parametrize("value", ["a b", "ü", "a" * 195, "a" * 1_001, "\xa0"])
def test_a_match_that_makes_no_id_is_nobody(rules: MemoryRouting, value: str) -> None:
    assert rules.resolve(headers(x_openwebui_user_id=value), TRUSTED, "bob") is None


def test_an_empty_group_is_nobody(tmp_path: Path) -> None:
    text = 'enabled: true\npatterns: [{header: x-u, pattern: "^u=(.*)$|^(v)$", user_id: "u-{1}"}]\ndefault: d\n'
    assert [routing(tmp_path, text).resolve(headers(x_u=value), TRUSTED) for value in ("u=", "v")] == [None, None]


def test_a_header_too_long_to_be_searched_is_nobody(rules: MemoryRouting) -> None:
    assert rules.resolve(headers(user_agent="x" * 1_001), PLAIN) is None


def test_a_bodys_user_counts_where_it_is_listened_to(rules: MemoryRouting) -> None:
    assert _who(rules, {}, TRUSTED, "bob") == ("bob", "body_user")
    assert _who(rules, {}, PLAIN, "bob") == ("everybody", "default")


@pytest.mark.parametrize(
    ("listening", "user"), [("nobody", ("everybody", "default")), ("everyone", ("bob", "body_user"))]
)
def test_whom_it_is_listened_to_is_configured(tmp_path: Path, listening: str, user: tuple[str, str]) -> None:
    rules = routing(tmp_path, EVERYTHING.replace("body_user: allowed", f"body_user: {listening}"))
    assert _who(rules, {}, PLAIN, "bob") == user


@pytest.mark.parametrize("user", ["a b", "Müller", "a" * 201, "{}", "{", '{"session_id": "s"}', '{"a":' * 2_000])
def test_a_bodys_user_that_is_no_id_is_nobody(rules: MemoryRouting, user: str) -> None:
    assert rules.resolve({}, TRUSTED, user) is None


@pytest.mark.parametrize("user", [None, ""])
def test_a_body_without_a_user_leaves_it_to_the_default(rules: MemoryRouting, user: str | None) -> None:
    assert _who(rules, {}, TRUSTED, user) == ("everybody", "default")


def test_without_a_default_it_is_nobody(tmp_path: Path) -> None:
    assert routing(tmp_path, "enabled: true").resolve({}, PLAIN) is None


def test_switched_off_it_is_nobody_whatever_else_is_configured(tmp_path: Path) -> None:
    rules = routing(tmp_path, EVERYTHING.replace("enabled: true", "enabled: false"))
    assert rules.resolve(headers(x_memory_user_id="bob"), TRUSTED, "bob") is None
    assert rules.upstream_headers("bob", "s", "gpt-4o") == {}
    assert not rules.tells_callers


def test_no_header_is_listened_to_where_none_is_configured(tmp_path: Path) -> None:
    rules = routing(tmp_path, "enabled: true\nheader: null\n")
    assert rules.resolve(headers(x_memory_user_id="bob"), TRUSTED) is None


def test_info_tells_the_pattern_that_decided(rules: MemoryRouting) -> None:
    assert rules.info(CLAUDE, PLAIN) == {
        "enabled": True,
        "user_id": "claude-cli",
        "rule": "pattern",
        "reason": "A header matches a pattern.",
        "matched_pattern": {"header": "user-agent", "pattern": "^claude-cli", "user_id": "claude-cli"},
        "custom_header_present": False,
        "custom_header_ignored": False,
        "is_default": False,
    }


@pytest.mark.parametrize(("caller", "ignored"), [(PLAIN, True), (TRUSTED, False)])
def test_info_tells_whether_the_custom_header_counts(rules: MemoryRouting, caller: Caller, ignored: bool) -> None:
    told = rules.info(headers(x_memory_user_id="bob"), caller)
    assert (told["custom_header_present"], told["custom_header_ignored"], told["is_default"]) == (
        True,
        ignored,
        ignored,
    )


def test_info_tells_why_there_is_no_memory(rules: MemoryRouting, tmp_path: Path) -> None:
    assert rules.info(headers(x_openwebui_user_id="a b"), TRUSTED)["reason"].startswith(
        "No memory: what ^(.+)$ makes of"
    )
    assert routing(tmp_path, "enabled: true").info({}, PLAIN)["reason"].startswith("No memory: no rule answered")
    assert routing(tmp_path, "enabled: false").info({}, PLAIN)["reason"] == "Memory routing is switched off."


def test_each_rule_has_words_of_its_own(rules: MemoryRouting) -> None:
    asked = [(headers(x_memory_user_id="b"), TRUSTED, None), ({}, ALICE, None), (CLAUDE, PLAIN, None)]
    told = [rules.info(*each) for each in [*asked, ({}, TRUSTED, "bob"), ({}, PLAIN, None)]]
    assert [each["rule"] for each in told] == list(Rule)
    assert len({each["reason"] for each in told}) == len(Rule)


@pytest.mark.parametrize(
    ("model", "told"), [("gpt-4o", True), ("memory/any", True), ("gpt-4o-mini", False), ("", False)]
)
def test_the_service_is_told_for_its_models_alone(rules: MemoryRouting, model: str, told: bool) -> None:
    expected = {"x-sm-user-id": "bob", "x-sm-conversation-id": "s"} if told else {}
    assert rules.upstream_headers("bob", "s", model) == expected


def test_nobody_is_told_as_nothing_and_no_session_as_none(rules: MemoryRouting) -> None:
    assert rules.upstream_headers(None, "s", "gpt-4o") == {}
    assert rules.upstream_headers("bob", None, "gpt-4o") == {"x-sm-user-id": "bob"}


def test_the_services_headers_have_the_names_that_are_configured(tmp_path: Path) -> None:
    text = "enabled: true\nupstream: {models: all, user_header: X-User, session_header: null}\n"
    assert routing(tmp_path, text).upstream_headers("bob", "s", "any") == {"x-user": "bob"}


def test_no_header_goes_out_or_comes_back_unless_it_is_configured(tmp_path: Path) -> None:
    rules = routing(tmp_path, "enabled: true")
    assert rules.upstream_headers("bob", "s", "gpt-4o") == {}
    assert not rules.tells_callers


def test_the_services_own_headers_come_back_by_the_list(rules: MemoryRouting) -> None:
    sent = ("x-supermemory-error", "x-context-tokens", "x-context-tokens-2", "set-cookie")
    assert rules.tells_callers
    assert [name for name in sent if rules.is_answer_header(name)] == ["x-supermemory-error", "x-context-tokens"]


@pytest.mark.parametrize("model", ["gpt-4o", "memory/any"])
def test_the_service_finds_no_user_in_the_body(rules: MemoryRouting, model: str) -> None:
    body = {"model": model, "user": "bob", "metadata": {"user_id": "bob", "conversation_id": "c", "order": "42"}}
    assert rules.without_other_users(body) == {"model": model, "metadata": {"order": "42"}}


def test_a_model_without_a_service_is_told_of_the_bodys_user(rules: MemoryRouting) -> None:
    body = {"model": "gpt-4o-mini", "user": "bob"}
    assert rules.without_other_users(body) is body


@pytest.mark.parametrize(("patterns", "imported"), [("[]", "False"), ("[{header: a, pattern: b, user_id: c}]", "True")])
def test_the_engine_is_imported_for_patterns_alone(tmp_path: Path, patterns: str, imported: str) -> None:
    (tmp_path / "m.yaml").write_text(f"enabled: true\npatterns: {patterns}\n")
    program = "import sys; from pathlib import Path; from api.memory import load_memory_routing as load\n"
    program += f"load(Path({str(tmp_path / 'm.yaml')!r})); print('re2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == f"{imported}\n"
