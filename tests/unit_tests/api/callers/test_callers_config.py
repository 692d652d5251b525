"""config/callers.yaml: what it may hold, and what is said when it holds something else."""

import hashlib
from pathlib import Path

import pytest

from api.callers.callers_config import digest, read_callers
from api.config_file import ConfigFileError
from api.context import Caller, Permission
from api.protocol import RoutingMode

PROJECT_FILE = Path(__file__).parents[4] / "config" / "callers.yaml"
SHA = hashlib.sha256(b"token-of-alice").hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()
ALICE = f"name: alice, tokens: [{{sha256: {SHA}}}]"


def load(tmp_path: Path, text: str, **environ: str) -> dict[bytes, Caller]:
    file = tmp_path / "callers.yaml"
    file.write_text(text, encoding="utf-8")
    return read_callers(file, environ, {digest("of-API_TOKENS")})


def complaint(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigFileError) as caught:
        load(tmp_path, text, **environ)
    return str(caught.value)


def test_the_projects_own_file_names_nobody() -> None:
    assert read_callers(PROJECT_FILE, {}) == {}


def test_the_projects_own_examples_are_right_but_for_the_digests(tmp_path: Path) -> None:
    text = "\n".join(PROJECT_FILE.read_text().partition("callers: []\n")[2].replace("# ", "", 1).split("\n# "))
    text = text.replace("\n#\n", "\n").replace("the digits that the program printed for her token", SHA)
    callers = load(tmp_path, text.replace("and those of the next one", OTHER), CALLER_CHAT_PAGE_TOKEN="secret")
    assert [caller.id for caller in callers.values()] == ["chat-page", "alice", "alice"]


def test_every_field_arrives(tmp_path: Path) -> None:
    fields = "memory_user: a@b.c, routing_mode: reasoning, allowed: [set_memory_user, tools]"
    assert load(tmp_path, f"callers: [{{{ALICE}, {fields}}}]") == {
        digest("token-of-alice"): Caller("alice", "a@b.c", RoutingMode.REASONING, frozenset(Permission))
    }


def test_a_caller_that_is_allowed_nothing_may_do_nothing_more(tmp_path: Path) -> None:
    [caller] = load(tmp_path, f"callers: [{{{ALICE}}}]").values()
    assert caller.allowed == frozenset()


def test_several_tokens_are_valid_side_by_side(tmp_path: Path) -> None:
    tokens = f"[{{sha256: {SHA}}}, {{env: NEXT}}, {{sha256: '{OTHER.upper()}'}}]"
    callers = load(tmp_path, f"callers: [{{name: a, tokens: {tokens}}}]", NEXT=" next ")
    assert callers.keys() == {digest("token-of-alice"), digest("next"), digest("another")}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{name: a}", "callers[0].tokens: Field required (write a list of one or more of sha256 and env"),
        ("{name: a, tokens: []}", "callers[0].tokens: Tuple should have at least 1 item"),
        ("{name: a, tokens: [{}]}", "callers[0].tokens[0]: must have either sha256 or env"),
        (f"{{name: a, tokens: [{{sha256: {SHA}, env: A}}]}}", "callers[0].tokens[0]: must have either sha256 or env"),
        ("{name: a, tokens: [{sha256: abc}]}", "callers[0].tokens[0].sha256: String should match pattern"),
        ("{name: a, tokens: [plain-token]}", "callers[0].tokens[0]: Input should be a valid dictionary"),
        ("{name: a, tokens: [{token: t}]}", "callers[0].tokens[0].token: is not a field that is known here"),
        ("{name: a, tokens: [{env: UNSET}]}", "callers[0].tokens[0].env: UNSET is not set; set it to the token"),
        ("{name: a, tokens: [{env: BLANK}]}", "BLANK holds what no HTTP header can carry"),
        (f"{{tokens: [{{sha256: {SHA}}}]}}", "callers[0].name: Field required (write 1 to 64 letters"),
        (f"{{{ALICE}, colour: red}}", "callers[0].colour: is not a field that is known here"),
        (f"{{{ALICE}, routing_mode: fast}}", "routing_mode: Input should be 'passthrough', 'reasoning' or 'auto'"),
        (f"{{{ALICE}, allowed: [everything]}}", "callers[0].allowed[0]: Input should be 'set_memory_user' or 'tools'"),
        (f"{{{ALICE}, allowed: tools}}", "callers[0].allowed: Input should be a valid"),
        (f"{{{ALICE}, memory_user: a b}}", "memory_user: String should match pattern"),
        (f"{{{ALICE}, memory_user: ''}}", "memory_user: String should match pattern"),
        (f"{{{ALICE}, memory_user: {'a' * 201}}}", "memory_user: String should match pattern"),
        (f"{{{ALICE}}}, {{name: alice, tokens: [{{sha256: {OTHER}}}]}}", "alice is the name in line 1 too"),
        (f"{{{ALICE}}}, {{name: bob, tokens: [{{sha256: {SHA}}}]}}", "is the token in line 1 too; a token names one"),
        (f"{{{ALICE}}}, {{name: bob, tokens: [{{env: ALICES}}]}}", "is the token in line 1 too; a token names one"),
        ("{name: a, tokens: [{env: FIRST}]}", "is one of API_TOKENS too"),
        ("just text", "callers[0]: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line_and_mend(tmp_path: Path, entry: str, expected: str) -> None:
    environ = {"BLANK": "a b", "ALICES": "token-of-alice", "FIRST": "of-API_TOKENS"}
    said = complaint(tmp_path, f"callers: [{entry}]", **environ)
    assert expected in said
    assert "- line 1: " in said


@pytest.mark.parametrize("name", ["''", "a b", "ä", "a/b", '"a\\n"', "a" * 65, "anonymous", "token-0123456789ab"])
def test_a_name_that_none_may_have_is_refused(tmp_path: Path, name: str) -> None:
    assert "callers[0].name: " in complaint(tmp_path, f"callers: [{{name: {name}, tokens: [{{sha256: {SHA}}}]}}]")


@pytest.mark.parametrize("name", ["a", "A.b_c-d", "0", "token-alice", "a" * 64])
def test_any_other_name_is_taken(tmp_path: Path, name: str) -> None:
    [caller] = load(tmp_path, f"callers: [{{name: '{name}', tokens: [{{sha256: {SHA}}}]}}]").values()
    assert caller.id == name


@pytest.mark.parametrize("text", ["", "[]", "callers: {}", "callers: []\nmore: 1", "caller: []"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    assert "callers.yaml is not usable" in complaint(tmp_path, text)


def test_no_token_and_no_digest_is_ever_shown(tmp_path: Path) -> None:
    tokens = f"[{{sha256: {SHA[:-1]}}}, {{env: SECRET}}, {{sha256: {OTHER}}}, {{sha256: {OTHER}}}]"
    said = complaint(tmp_path, f"callers: [{{name: a, tokens: {tokens}}}]", SECRET="secret token")
    assert not {SHA[:-1], OTHER, "secret token"} & set(said.replace(";", " ").split(" "))


def test_a_mistake_far_down_has_its_own_line(tmp_path: Path) -> None:
    text = (
        f"callers:\n  - name: a\n    tokens:\n      - sha256: {SHA}\n  - name: b\n    tokens:\n      - sha256: short\n"
    )
    assert "- line 7: callers[1].tokens[0].sha256: " in complaint(tmp_path, text)
