"""Compose's own parser, in the version that Debian ships, on every combination of our files."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack import bootstrap, env_file

DEV = ["-f", "docker-compose.yml", "-f", "docker-compose.dev.yml"]
FILES = {"production": ["-f", "docker-compose.yml"], "development": DEV}
PROFILES: dict[str, list[str]] = {"plain": [], "demo": ["--profile", "demo"]}
CORE = {"postgres-litellm", "litellm", "postgres-phoenix", "phoenix", "reasoning-api"}
DEMO = {"demo-provider", "demo-tools"}
COMBINATIONS = list(itertools.product(FILES, PROFILES))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("compose") / ".env"
    env_file.ensure(file, bootstrap.ROOT / ".env.dev.example")
    return file


def compose(env: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = bootstrap.venv("compose") / "bin" / "docker-compose"
    environment = {"PATH": os.defpath, "HOME": str(env.parent)}
    command = [str(program), "--env-file", str(env), *arguments]
    return subprocess.run(command, cwd=bootstrap.ROOT, env=environment, capture_output=True, text=True, check=False)


def configuration(env: Path, files: str, profile: str) -> dict[str, Any]:
    done = compose(env, *FILES[files], *PROFILES[profile], "config")
    assert done.returncode == 0, done.stderr
    parsed = yaml.safe_load(done.stdout)
    assert isinstance(parsed, dict)
    return parsed


@pytest.mark.parametrize(("files", "profile"), COMBINATIONS)
def test_every_combination_is_accepted(env: Path, files: str, profile: str) -> None:
    assert set(configuration(env, files, profile)["services"]) == CORE | DEMO


def test_the_demo_runs_only_where_its_profile_is_asked_for(env: Path) -> None:
    services = configuration(env, "production", "plain")["services"]
    assert {name for name, service in services.items() if service.get("profiles") == ["demo"]} == DEMO
    assert not [name for name in CORE if "profiles" in services[name]]


@pytest.mark.parametrize(("files", "profile"), COMBINATIONS)
def test_every_published_port_is_on_loopback(env: Path, files: str, profile: str) -> None:
    services = configuration(env, files, profile)["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_production_publishes_the_api_and_the_dashboards_only(env: Path) -> None:
    services = configuration(env, "production", "plain")["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"litellm", "phoenix", "reasoning-api"}


def test_development_publishes_the_databases_on_their_own_ports(env: Path) -> None:
    services = configuration(env, "development", "plain")["services"]
    assert services["postgres-litellm"]["ports"] == ["127.0.0.1:5433:5432/tcp"]
    assert services["postgres-phoenix"]["ports"] == ["127.0.0.1:5432:5432/tcp"]


def test_the_generated_secrets_reach_the_services_that_share_them(env: Path) -> None:
    services, values = configuration(env, "production", "plain")["services"], env_file.read(env)
    password = values["LITELLM_POSTGRES_PASSWORD"]
    assert services["postgres-litellm"]["environment"]["POSTGRES_PASSWORD"] == password
    assert f":{password}@postgres-litellm:5432/" in services["litellm"]["environment"]["DATABASE_URL"]
    assert services["litellm"]["environment"]["LITELLM_MASTER_KEY"] == values["LITELLM_MASTER_KEY"]


@pytest.mark.parametrize(
    "name", ["LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "LITELLM_POSTGRES_PASSWORD", "PHOENIX_POSTGRES_PASSWORD"]
)
def test_an_empty_secret_is_refused_by_name_with_the_mend(env: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / ".env"
    file.write_text(env_file.with_values(env.read_text(), {name: ""}))
    done = compose(file, "config")
    assert done.returncode != 0
    assert f"set {name} in .env - make docker_up generates it" in done.stderr


@pytest.mark.parametrize("value", ["sk-plain", "'with # hash and = sign'", "'two words'"])
def test_compose_reads_a_written_value_as_the_other_readers_do(env: Path, tmp_path: Path, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(env_file.with_values(env.read_text(), {"LITELLM_API_KEY": value}))
    services = configuration(file, "production", "plain")["services"]
    assert services["reasoning-api"]["environment"]["LLM_API_KEY"] == env_file.read(file)["LITELLM_API_KEY"]
