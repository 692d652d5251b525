"""The Docker targets, with an executable in Docker's place that records how it was called."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx
from dotenv import dotenv_values

from operations import prices
from operations.docker import main
from tests.unit_tests.operations.litellm_double import LiteLLMDouble

STAND_IN = """#!/bin/sh
[ "$*" = "compose version" ] && exit "${NO_PLUGIN:-0}"
printf '%s | %s\\n' "$*" "${OPENAI_BASE_URL:-}" >>"$RECORD"
case "$*" in *"${FAILS_ON:-nothing}"*) exit 7;; esac
"""
DEV = "compose --env-file {file} --project-name reasoning-agent -f docker-compose.yml -f docker-compose.dev.yml"
PROD = "compose --env-file {file} --project-name reasoning-agent-prod -f docker-compose.yml"


class Docker:
    def __init__(self, folder: Path) -> None:
        self.record, self.file = folder / "record", folder / ".env"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "docker").write_text(STAND_IN)
        (programs / "docker").chmod(0o755)
        self.environment = {"PATH": f"{programs}:{os.defpath}", "RECORD": str(self.record)}

    def run(self, *arguments: str, **environment: str) -> int:
        return main([*arguments, "--env-file", str(self.file)], {**self.environment, **environment})

    def calls(self) -> list[str]:
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [line.partition(" | ")[0] for line in lines]

    def provider_urls(self) -> set[str]:
        return {line.partition(" | ")[2] for line in self.record.read_text().splitlines()}


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


@pytest.fixture(autouse=True)
def http() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture(autouse=True)
def phoenix(http: respx.MockRouter) -> respx.Route:
    """Prices none of the configured models yet, and takes every price."""
    data: dict[str, object] = {"generativeModels": {"edges": []}, "createModel": {}}
    return http.post("http://127.0.0.1:6006/graphql").respond(json={"data": data})


@pytest.fixture
def litellm(docker: Docker, http: respx.MockRouter, phoenix: respx.Route) -> LiteLLMDouble:
    double = LiteLLMDouble(master_key_file=docker.file)
    double.install(http, host="127.0.0.1")
    return double


def priced(phoenix: respx.Route) -> set[str]:
    """The models whose prices Phoenix was told."""
    told = [json.loads(call.request.content)["variables"].get("input") for call in phoenix.calls]
    return {given["name"] for given in told if given}


def test_up_mints_the_keys_before_it_starts_the_api(docker: Docker, litellm: LiteLLMDouble) -> None:
    assert docker.run("up") == 0
    demo = DEV.format(file=docker.file) + " --profile demo"
    assert docker.calls() == [
        f"{demo} up -d --build demo-provider demo-tools postgres-litellm postgres-phoenix phoenix litellm",
        f"{demo} up -d --build",
    ]
    assert dotenv_values(docker.file)["LITELLM_API_KEY"] == "sk-made-1"


def test_up_generates_the_secrets_of_a_development_file(docker: Docker, litellm: LiteLLMDouble) -> None:
    docker.run("up")
    values = dotenv_values(docker.file)
    assert all(values[name] for name in ("LITELLM_POSTGRES_PASSWORD", "PHOENIX_POSTGRES_PASSWORD", "API_TOKENS"))


def test_without_a_provider_key_litellm_is_pointed_at_the_demo_provider(docker: Docker, litellm: LiteLLMDouble) -> None:
    docker.run("up")
    assert docker.provider_urls() == {"http://demo-provider:4001/v1"}


def test_with_a_provider_key_there_is_no_demo(docker: Docker, litellm: LiteLLMDouble) -> None:
    docker.run("up", OPENAI_API_KEY="sk-real")
    assert docker.provider_urls() == {""}
    assert not [call for call in docker.calls() if "demo" in call]


@pytest.mark.parametrize("command", ["up", "restart", "litellm-restart", "litellm-reset"])
def test_phoenix_is_told_the_configured_prices(
    docker: Docker, litellm: LiteLLMDouble, phoenix: respx.Route, command: str
) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\n")
    assert docker.run(command, "--yes") == 0
    assert priced(phoenix) == {price.model for price in prices.configured(prices.CONFIG)} != set()


def test_phoenix_is_asked_where_it_is_published(docker: Docker, http: respx.MockRouter) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\nPHOENIX_PORT=6996\n")
    known: dict[str, object] = {"generativeModels": {"edges": []}, "createModel": {}}
    moved = http.post("http://127.0.0.1:6996/graphql").respond(json={"data": known})
    docker.run("restart")
    assert moved.called


def test_a_phoenix_that_takes_no_prices_is_named_with_the_mend_and_undoes_nothing(
    docker: Docker, litellm: LiteLLMDouble, phoenix: respx.Route, capsys: pytest.CaptureFixture[str]
) -> None:
    phoenix.mock(side_effect=httpx.ConnectError("refused"))
    assert docker.run("up") == 0
    said = capsys.readouterr()
    assert 'make phoenix_prices ARGS="--phoenix-url http://127.0.0.1:6006"' in said.err
    assert "API http://127.0.0.1:8000/v1" in said.out
    assert docker.calls()[-1].endswith(" up -d --build")


def test_nobody_is_told_to_restart_the_api_that_is_started_next(
    docker: Docker, litellm: LiteLLMDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docker.run("up") == 0
    assert "restart the API" not in capsys.readouterr().err


def test_the_api_is_not_started_without_its_key(docker: Docker, litellm: LiteLLMDouble) -> None:
    litellm.failures["/key/generate"] = [(500, "boom")]
    assert docker.run("up") == 1
    assert len(docker.calls()) == 1


def test_another_file_than_env_is_production_in_a_project_of_its_own(
    docker: Docker, litellm: LiteLLMDouble, tmp_path: Path
) -> None:
    docker.file = litellm.master_key_file = tmp_path / ".env.prod"
    docker.file.write_text("LITELLM_MASTER_KEY=sk-m\n")
    assert docker.run("up") == 0
    assert docker.calls()[-1] == f"{PROD.format(file=docker.file)} up -d --build"
    assert litellm.aliases() == ["litellm-prod"]


def test_a_production_file_is_never_made_up(docker: Docker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docker.file = tmp_path / ".env.prod"
    assert docker.run("up") == 1
    assert "copy .env.prod.example to it" in capsys.readouterr().err
    assert not docker.file.exists()


def test_down_stops_the_demo_too_and_keeps_the_volumes(docker: Docker) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\n")
    docker.run("down")
    assert docker.calls() == [f"{DEV.format(file=docker.file)} --profile demo down"]


def test_restarting_litellm_touches_nothing_else(docker: Docker) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\n")
    docker.run("litellm-restart")
    assert docker.calls() == [f"{DEV.format(file=docker.file)} up -d --force-recreate --no-deps litellm"]


def test_reset_removes_litellm_s_containers_then_its_volume_then_mints_anew(
    docker: Docker, litellm: LiteLLMDouble
) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\nLITELLM_API_KEY=sk-of-the-deleted-database\n")
    assert docker.run("litellm-reset", "--yes") == 0
    dev = DEV.format(file=docker.file)
    assert docker.calls() == [
        f"{dev} rm --force --stop litellm postgres-litellm",
        "volume rm --force reasoning-agent_litellm-postgres",
        f"{dev} up -d --build postgres-litellm postgres-phoenix phoenix litellm",
        f"{dev} up -d --build",
    ]
    assert dotenv_values(docker.file)["LITELLM_API_KEY"] == "sk-made-1"


@pytest.mark.parametrize("answer", ["", "no\n", "y\n"])
def test_reset_deletes_nothing_without_a_yes(
    docker: Docker, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.file.write_text("")
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert docker.run("litellm-reset") == 1
    assert docker.calls() == []
    assert "Nothing was deleted" in capsys.readouterr().err


def test_reset_goes_on_after_a_yes(docker: Docker, litellm: LiteLLMDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    docker.file.write_text("")
    assert docker.run("litellm-reset") == 0
    assert "volume rm --force reasoning-agent_litellm-postgres" in docker.calls()


def test_reset_stops_where_a_step_fails(docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    docker.file.write_text("OPENAI_API_KEY=sk-real\n")
    assert docker.run("litellm-reset", "--yes", FAILS_ON="rm --force --stop") == 1
    assert len(docker.calls()) == 1
    assert "ended with 7" in capsys.readouterr().err


@pytest.mark.parametrize("missing", [{"PATH": "/nonexistent"}, {"NO_PLUGIN": "1"}], ids=["docker", "the plugin"])
def test_what_is_not_installed_is_named_with_the_mend(
    docker: Docker, missing: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    docker.file.write_text("")
    assert docker.run("down", **missing) == 1
    assert docker.calls() == []
    assert "`docker compose` does not work here: install Docker with its Compose plugin" in capsys.readouterr().err


def test_no_secret_stands_in_a_command_line(docker: Docker, litellm: LiteLLMDouble) -> None:
    docker.run("up")
    docker.run("litellm-reset", "--yes")
    secrets = [value for name, value in dotenv_values(docker.file).items() if value and "KEY" in name]
    assert secrets
    assert not [call for call in docker.calls() for secret in secrets if secret in call]
