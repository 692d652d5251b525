"""config/memory_routing.yaml: what it may hold, and what is said when it holds something else."""

from pathlib import Path

import pytest

from api.config_file import ConfigFileError
from api.memory.__main__ import main
from tests.unit_tests.api.memory.support import TRUSTED, headers, routing

PROJECT_FILE = Path(__file__).parents[4] / "config" / "memory_routing.yaml"


def _complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigFileError) as caught:
        routing(tmp_path, text)
    return str(caught.value)


def test_the_projects_own_file_is_switched_off(tmp_path: Path) -> None:
    assert not routing(tmp_path, PROJECT_FILE.read_text()).enabled


def test_the_projects_own_file_is_switched_on_by_one_line(tmp_path: Path) -> None:
    rules = routing(tmp_path, PROJECT_FILE.read_text().replace("enabled: false", "enabled: true"))
    user = rules.resolve(headers(x_memory_user_id="bob"), TRUSTED)
    assert user is not None
    assert user.id == "bob"
    assert rules.upstream_headers("bob", "s", "gpt-4o") == {}


def test_the_projects_own_examples_are_right(tmp_path: Path) -> None:
    text = PROJECT_FILE.read_text().replace("enabled: false", "enabled: true").replace("patterns: []\n", "")
    start, end = text.index("# patterns:"), text.index("# OpenAI's")
    rules = routing(tmp_path, text[:start] + text[start:end].replace("# ", "", 1).replace("\n# ", "\n") + text[end:])
    told = [rules.info(headers(**{name: value}), TRUSTED)["user_id"] for name, value in (
        ("user_agent", "OpenAIClientImpl/Java 4"), ("user_agent", "claude-cli/2"), ("x_openwebui_user_id", "7"))]  # fmt: skip
    assert told == ["pycharm-ai", "claude-cli", "webui-7"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("enabled: maybe", "line 1: enabled: Input should be a valid boolean (write true or false"),
        ("colour: red", "colour: is not a field that is known here"),
        ("header: authorization", "header: holds a secret"),
        ("header: X-API-Key", "header: holds a secret"),
        ("header: a b", "header: String should match pattern"),
        ("body_user: off", "body_user: Input should be 'nobody', 'allowed' or 'everyone'"),
        ("default: a b", "default: String should match pattern"),
        ("default: ''", "default: String should match pattern"),
        ("upstream: {models: some}", "upstream.models"),
        ("upstream: {models: ['']}", "upstream.models"),
        ("upstream: {user_header: authorization}", "upstream.user_header: String should match pattern"),
        ("upstream: {user_header: x-litellm-tags}", "upstream.user_header: is one of this server's or LiteLLM's own"),
        ("upstream: {session_header: x-api-key}", "upstream.session_header: is one of this server's"),
        ("answer_headers: [set-cookie]", "answer_headers[0]: String should match pattern"),
        ("answer_headers: ['*']", "answer_headers[0]: String should match pattern"),
        ("answer_headers: [x-request-id]", "answer_headers[0]: is one of this server's"),
        ("answer_headers: x-a", "answer_headers: Input should be a valid tuple (write a list of headers' names"),
        ("patterns: [{header: a, pattern: b}]", "patterns[0].user_id: Field required"),
        ("patterns: [{header: cookie, pattern: b, user_id: c}]", "patterns[0].header: holds a secret"),
        ("patterns: [{header: a, pattern: '(', user_id: c}]", "patterns[0].pattern: RE2 cannot read it: missing )"),
        ("patterns: [{header: a, pattern: '(?=a)', user_id: c}]", "patterns[0].pattern: RE2 cannot read it"),
        ("patterns: [{header: a, pattern: '', user_id: c}]", "patterns[0].pattern: String should have at least 1"),
        ("patterns: [{header: a, pattern: '日', user_id: c}]", "patterns[0].pattern: holds characters that no header"),
        ("patterns: [{header: a, pattern: b, user_id: 'c{1}'}]", "patterns[0].user_id: the pattern has no group 1"),
        ("patterns: [{header: a, pattern: b, user_id: 'c{x}'}]", "patterns[0].user_id: the pattern has no group x"),
        ("patterns: [{header: a, pattern: b, user_id: 'c{'}]", "patterns[0].user_id: a group is written {1}"),
        ("patterns: [{header: a, pattern: (b)(c), user_id: '{1}{2}'}]", "two groups side by side"),
        ("patterns: [{header: a, pattern: b, user_id: c, listen_to: me}]", "patterns[0].listen_to: Input should be"),
        (
            f"patterns: {[{'header': 'a', 'pattern': 'b', 'user_id': 'c'}] * 101}",
            "patterns: Tuple should have at most 100",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_mend(tmp_path: Path, line: str, expected: str) -> None:
    said = _complaint(tmp_path, line if line.startswith("enabled") else f"enabled: true\n{line}")
    assert expected in said
    assert "- line " in said


def test_a_mistake_is_one_also_where_all_is_switched_off(tmp_path: Path) -> None:
    assert "line 2: patterns[0].pattern" in _complaint(
        tmp_path, "enabled: false\npatterns: [{header: a, pattern: (, user_id: c}]"
    )


def test_whether_it_is_on_has_to_be_said(tmp_path: Path) -> None:
    assert "enabled: Field required (write true or false)" in _complaint(tmp_path, "default: me")


def test_all_wrong_patterns_are_listed_at_once(tmp_path: Path) -> None:
    wrong = "\n  - {header: a, pattern: '(', user_id: c}"
    said = _complaint(tmp_path, f"enabled: true\npatterns:{wrong * 2}\n")
    assert [place in said for place in ("line 3: patterns[0]", "line 4: patterns[1]")] == [True, True]


def test_a_good_file_is_told_so_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PROJECT_FILE)]) == 0
    assert capsys.readouterr().out.endswith("is usable; memory routing is switched off\n")


def test_a_bad_file_is_told_with_its_mistakes_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.yaml").write_text("enabled: 1\n")
    assert main([str(tmp_path / "m.yaml")]) == 1
    assert "line 1: enabled: " in capsys.readouterr().err
