"""config/mcp_servers.yaml: what it may hold, and what is said when it holds something else."""

from pathlib import Path

import pytest

from api.tools.mcp_config import HTTPTarget, MCPConfigError, ServerEntry, StdioTarget, load_mcp_config

PROJECT_FILE = Path(__file__).parents[4] / "config" / "mcp_servers.yaml"
VALID = "{name: a, transport: streamable_http, url: 'http://127.0.0.1:1/mcp'"


def load(tmp_path: Path, text: str, **environ: str) -> list[ServerEntry]:
    file = tmp_path / "mcp_servers.yaml"
    file.write_text(text, encoding="utf-8")
    return load_mcp_config(file, environ)


def complaint(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(MCPConfigError) as caught:
        load(tmp_path, text, **environ)
    return str(caught.value)


def test_the_projects_own_file_names_the_demo_tools() -> None:
    target = HTTPTarget("http://127.0.0.1:4002/mcp")
    assert load_mcp_config(PROJECT_FILE, {}) == [ServerEntry("demo-tools", target, timeout=30)]


def test_a_variable_replaces_the_address() -> None:
    [entry] = load_mcp_config(PROJECT_FILE, {"DEMO_TOOLS_URL": "http://demo-tools:4002/mcp"})
    assert entry.target == HTTPTarget("http://demo-tools:4002/mcp")


def test_every_field_arrives(tmp_path: Path) -> None:
    fields = "auth_token_env: T, allowed_tools: [x], timeout: 5, trust_annotations: false"
    [entry] = load(tmp_path, f"servers: [{VALID}, {fields}}}]", T="secret-token")
    assert (entry.timeout, entry.allowed_tools, entry.trust_annotations) == (5, frozenset({"x"}), False)
    assert isinstance(entry.target, HTTPTarget)
    assert entry.target.token is not None
    assert entry.target.token.get_secret_value() == "secret-token"
    assert "secret-token" not in repr(entry)


def test_a_program_gets_its_arguments_and_the_named_variables(tmp_path: Path) -> None:
    text = "servers: [{name: p, transport: stdio, command: prog, args: ['-v', x], pass_env: [KEY]}]"
    [entry] = load(tmp_path, text, KEY="secret-key", OTHER="stays here")
    assert isinstance(entry.target, StdioTarget)
    assert (entry.target.command, entry.target.args) == ("prog", ("-v", "x"))
    passed = {name: value.get_secret_value() for name, value in (entry.target.environment or {}).items()}
    assert passed == {"KEY": "secret-key"}
    assert "secret-key" not in repr(entry)


def test_no_servers_is_fine(tmp_path: Path) -> None:
    assert load(tmp_path, "servers: []") == []


def test_a_disabled_server_is_left_out_and_its_token_not_asked_for(tmp_path: Path) -> None:
    assert load(tmp_path, f"servers: [{VALID}, enabled: false, auth_token_env: UNSET}}]") == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{name: a, url: 'http://h/'}", "servers[0] (a): transport is missing or unknown: write streamable_http or"),
        ("{name: a, transport: sse, url: x}", "servers[0] (a): transport is missing or unknown"),
        ("{transport: stdio, command: x}", "servers[0]: name: Field required (write letters and digits"),
        ("{name: a b, transport: stdio, command: x}", "servers[0] (a b): name: String should match"),
        ("{name: a__b, transport: stdio, command: x}", "servers[0] (a__b): name: String should match"),
        ("{name: a, transport: stdio}", "servers[0] (a): command: Field required (write the program to start"),
        ("{name: a, transport: stdio, command: x, url: y}", "url is not a field of this transport: the fields are"),
        ("{name: a, transport: streamable_http, url: 'ftp://h'}", "url: is not an http:// or https:// address"),
        ("{name: a, transport: streamable_http, url: 'http://u:pw@h/'}", "url: holds a user name or password"),
        (f"{VALID}, timeout: 0}}", "timeout: Input should be greater than 0 (write seconds per call"),
        (f"{VALID}, allowed_tools: []}}", "allowed_tools: List should have at least 1 item"),
        (f"{VALID}, allowed_tools: [1]}}", "allowed_tools[0]: Input should be a valid string"),
        (f"{VALID}, auth_token_env: TOKEN}}", "auth_token_env names TOKEN, which is not set"),
        ("{name: a, transport: stdio, command: x, pass_env: [KEY]}", "pass_env names KEY, which is not set"),
        ("just text", "servers[0] is not a mapping of fields"),
        (f"{VALID}}}, {VALID}}}", "name 'a' is used more than once"),
    ],
)
def test_a_wrong_entry_is_named_with_its_mend(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in complaint(tmp_path, f"servers: [{entry}]")


def test_a_wrong_entry_is_named_with_its_line(tmp_path: Path) -> None:
    text = f"servers:\n  - {VALID}}}\n\n  - name: b\n    transport: stdio\n"
    assert "- line 4: servers[1] (b): command: Field required" in complaint(tmp_path, text)


def test_all_wrong_entries_are_listed_at_once(tmp_path: Path) -> None:
    text = f"servers: [{{name: a, transport: stdio}}, {VALID}, timeout: -1}}, {VALID}, auth_token_env: T}}]"
    assert [place in complaint(tmp_path, text) for place in ("servers[0]", "servers[1]", "servers[2]")] == [True] * 3


@pytest.mark.parametrize("value", ["pass\nword", "pass word", "passwörd"])
def test_a_token_that_no_header_can_hold_is_named_and_not_shown(tmp_path: Path, value: str) -> None:
    said = complaint(tmp_path, f"servers: [{VALID}, auth_token_env: TOKEN}}]", TOKEN=value)
    assert "TOKEN holds characters that no token can have" in said
    assert value not in said


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    said = complaint(tmp_path, "servers: [{name: a, transport: streamable_http, url: 'http://u:pa55@h/'}]")
    assert "pa55" not in said


def test_a_wrong_address_in_the_variable_is_named(tmp_path: Path) -> None:
    said = complaint(tmp_path, f"servers: [{VALID}, url_env: WHERE}}]", WHERE="4002")
    assert "url_env: WHERE is not an http:// or https:// address" in said


@pytest.mark.parametrize("text", ["", "[]", "server: []", "servers: {}", "servers: []\nmore: 1"])
def test_a_file_of_another_shape_is_told_the_shape(tmp_path: Path, text: str) -> None:
    assert "must hold `servers:` and below it a list" in complaint(tmp_path, text)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "in line 3" in complaint(tmp_path, "servers:\n  - {name: a\n")


def test_a_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(MCPConfigError, match=r"absent\.yaml cannot be read .*MCP_CONFIG_PATH"):
        load_mcp_config(tmp_path / "absent.yaml", {})
