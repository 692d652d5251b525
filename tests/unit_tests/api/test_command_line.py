"""`python -m api`: what it says when it cannot start, and how long it keeps a connection that is idle."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api import __main__ as command_line
from tests.support.processes import ROOT

ENVIRONMENT = {"LLM_API_KEY": "sk-virtual", "API_TOKENS": "token", "LLM_BASE_URL": "http://127.0.0.1:1"}


def _started(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api", "--port", "0"],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("LLM_API_KEY", ""),
        ("LLM_API_KEY", " "),
        ("API_TOKENS", ""),
        ("HTTP_READ_TIMEOUT", "soon"),
        ("API_TOKENS", "é"),
        ("WORKERS", "0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line_and_the_exit_status_1(setting: str, value: str) -> None:
    done = _started(**{setting: value})
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert setting in line


def test_several_workers_end_by_the_same_line_told_once() -> None:
    one, several = _started(LLM_API_KEY=""), _started(LLM_API_KEY="", WORKERS="2")
    assert (several.returncode, several.stdout, several.stderr) == (one.returncode, one.stdout, one.stderr)


def test_a_path_that_no_socket_can_have_is_one_line(tmp_path: Path) -> None:
    (deep := tmp_path / ("x" * 80)).mkdir()
    (file := tmp_path / "mcp_servers.yaml").write_text("servers: []")
    done = _started(WORKERS="2", TMPDIR=str(deep), MCP_CONFIG_PATH=str(file))
    assert (done.returncode, done.stdout, list(deep.iterdir())) == (1, "", [])
    [line] = done.stderr.splitlines()
    assert "TMPDIR" in line


@pytest.mark.parametrize("content", [None, "servers: {", "server: []"], ids=["not there", "no YAML", "another name"])
def test_an_mcp_configuration_that_cannot_be_used_is_one_line_too(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "mcp_servers.yaml"
    if content is not None:
        file.write_text(content)
    done = _started(MCP_CONFIG_PATH=str(file))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert str(file) in line


MISTAKES = [
    ("CALLERS_CONFIG_PATH", "callers:\n- {name: a b, tokens: [{env: NAMED}]}", "line 2: callers[0].name: "),
    ("CALLERS_CONFIG_PATH", "callers:\n- {name: a, tokens: [{env: NAMED}]}", "line 2: callers[0].tokens[0].env: NAMED is not set"),
    ("MEMORY_ROUTING_CONFIG_PATH", "enabled: true\npatterns:\n- {header: a, pattern: (, user_id: c}", "line 3: "),
    ("MEMORY_ROUTING_CONFIG_PATH", "enabled: maybe", "(write true or false)"),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "content", "said"), MISTAKES)
def test_a_mistake_in_a_file_is_named_with_its_line_and_its_mend(
    tmp_path: Path, setting: str, content: str, said: str
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(content)
    done = _started(**{setting: str(file)})
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert not re.search("Traceback|File ", done.stderr)


def test_an_entry_that_cannot_be_used_is_named_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "mcp_servers.yaml"
    file.write_text("servers: [{name: a, transport: streamable_http, url: here}]")
    done = _started(MCP_CONFIG_PATH=str(file))
    assert done.returncode == 1
    assert "servers[0]" in done.stderr
    assert not re.search("Traceback|File ", done.stderr)


@pytest.mark.parametrize("given", ["0", "-1", "many"])
def test_a_number_of_workers_that_cannot_be_is_named(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["api", "--workers", given])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert (ended.value.code, "--workers" in capsys.readouterr().err) == (2, True)


def test_help_names_the_workers_and_their_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["api", "--help"])
    with pytest.raises(SystemExit):
        command_line.main()
    assert re.search(r"--workers N\s.*WORKERS, or 1", capsys.readouterr().out, re.DOTALL)


# The server as it is started, but for the serving: it says how it would.
TOLD = """
import json, sys, uvicorn
uvicorn.run = lambda _app, **options: print(json.dumps({name: options[name] for name in ("timeout_keep_alive", "workers")}))
sys.argv = ["api"]
from api.__main__ import main
main()
"""


def test_an_idle_connection_outlives_those_in_a_clients_pool(tmp_path: Path) -> None:
    (file := tmp_path / "mcp_servers.yaml").write_text("servers: []")
    environment = ENVIRONMENT | {"MCP_CONFIG_PATH": str(file), "WEB_CONCURRENCY": "3"}
    command = [sys.executable, "-c", TOLD]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(told.stdout) == {"timeout_keep_alive": 75, "workers": 1}
