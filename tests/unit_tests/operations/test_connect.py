"""What `make connect` prints: the right address and token, in lines that each client can read."""

import ast
import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import yaml

from operations import connect
from operations.connect import CLIENTS, Connection

NASTY = "a\"b'c$d`e\\f é"
PLAIN = Connection("http://127.0.0.1:8000/v1", "rk-token", "gpt-4o-mini")


def run(tmp_path: Path, settings: str, *arguments: str, environment: dict[str, str] | None = None) -> int:
    (tmp_path / ".env.prod").write_text(settings)
    return connect.main([*arguments, "--env-file", str(tmp_path / ".env.prod")], environment or {})


@respx.mock
def test_everything_is_printed_for_where_the_api_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    respx.get("http://127.0.0.1:9999/health").respond(200)
    assert run(tmp_path, "API_PORT=9999\nAPI_TOKENS=rk-first, rk-second\n") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Base URL: http://127.0.0.1:9999/v1\nAPI key:  rk-first\nModel:    gpt-4o-mini\n")
    assert [client["title"] for client in CLIENTS.values() if client["title"] not in printed] == []
    assert "rk-second" not in printed


@respx.mock
def test_the_local_stack_is_found_where_docker_does_not_publish(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    respx.get("http://127.0.0.1:9999/health").mock(side_effect=httpx.ConnectError("refused"))
    respx.get("http://127.0.0.1:8000/health").respond(200)
    assert run(tmp_path, "API_PORT=9999\nAPI_TOKENS=t\n", "--client", "env") == 0
    assert "http://127.0.0.1:8000/v1" in capsys.readouterr().out


@respx.mock
def test_an_api_that_does_not_answer_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    respx.get(url__regex=".*/health").respond(503)
    assert run(tmp_path, "API_PORT=9999\nAPI_TOKENS=t\n") == 1
    said = "error: no API answers at http://127.0.0.1:9999/v1 or http://127.0.0.1:8000/v1"
    assert capsys.readouterr().err.startswith(said)


def test_an_address_from_outside_is_taken_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--base-url", "https://agent.example/", "--client", "env", "--client", "cline"]
    assert run(tmp_path, "API_TOKENS=t\n", *given) == 0
    printed = capsys.readouterr().out
    assert "OPENAI_BASE_URL=https://agent.example/v1\n" in printed
    assert "aider" not in printed


def test_the_lines_of_one_client_come_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--base-url", "https://agent.example/v1", "--client", "opencode", "--model", "other"]
    assert run(tmp_path, "API_TOKENS=t\n", *given) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "reasoning-agent/other"


def test_the_token_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "API_TOKENS=rk-secret\n", "--base-url", "https://agent.example", "--hide-token") == 0
    printed = capsys.readouterr().out
    assert ("rk-secret" in printed, printed.count("YOUR_TOKEN") >= len(CLIENTS)) == (False, True)


def test_an_exported_token_wins_over_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--base-url", "https://agent.example", "--client", "env"]
    assert run(tmp_path, "API_TOKENS=file\n", *given, environment={"API_TOKENS": "exported"}) == 0
    assert "OPENAI_API_KEY=exported" in capsys.readouterr().out


def test_an_api_without_tokens_is_given_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--base-url", "https://agent.example", "--client", "env"]
    assert run(tmp_path, "API_TOKENS=\nREQUIRE_AUTH=false\n", *given) == 0
    assert "OPENAI_API_KEY=none" in capsys.readouterr().out


def test_no_token_at_all_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "API_TOKENS= ,\n") == 1
    assert "API_TOKENS is empty in" in capsys.readouterr().err


def _exported(variable: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        lines = "\n".join(line for line in text.splitlines() if line.startswith("export "))
        script = f'{lines}\nprintf %s "${variable}"'
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    return read


TOKEN_IN: dict[str, Callable[[str], Any]] = {
    "env": _exported("OPENAI_API_KEY"),
    "claude-code": _exported("ANTHROPIC_AUTH_TOKEN"),
    "anthropic-python": lambda text: _argument(text, "auth_token"),
    "continue": lambda text: yaml.safe_load(text)["models"][0]["apiKey"],
    "opencode": lambda text: json.loads(text)["provider"]["reasoning-agent"]["options"]["apiKey"],
    "openai-python": lambda text: _argument(text, "api_key"),
    "langchain": lambda text: _argument(text, "api_key"),
}


def _argument(program: str, name: str) -> Any:
    calls = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
    return next(ast.literal_eval(word.value) for call in calls for word in call.keywords if word.arg == name)


@pytest.mark.parametrize("client", TOKEN_IN)
@pytest.mark.parametrize("token", ["rk-token", NASTY])
def test_a_client_reads_the_very_token(client: str, token: str) -> None:
    assert TOKEN_IN[client](Connection("http://h/v1", token, "m").lines(client)) == token


def test_clients_of_anthropics_api_are_given_the_address_without_its_version() -> None:
    assert _exported("ANTHROPIC_BASE_URL")(PLAIN.lines("claude-code")) == "http://127.0.0.1:8000"
    assert _argument(PLAIN.lines("anthropic-python"), "base_url") == "http://127.0.0.1:8000"


def test_codex_is_told_to_use_the_responses_api() -> None:
    settings = tomllib.loads(PLAIN.lines("codex"))
    provider = settings["model_providers"][settings["model_provider"]]
    assert (settings["model"], provider["base_url"], provider["wire_api"]) == (
        *(PLAIN.model, PLAIN.base_url),
        "responses",
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_left_to_be_filled_in(client: str) -> None:
    assert "${" not in PLAIN.lines(client)
