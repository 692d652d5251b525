"""What the container files say, as far as reading them can tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.config import Settings
from local_stack.environments import traced_content

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DEVELOPMENT = (ROOT / "docker-compose.dev.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
# The last is Phoenix's, for sending traces where Phoenix asks who sends them.
API_SECRETS = {"LLM_API_KEY", "API_TOKENS", "PHOENIX_API_KEY"}


def variables(text: str) -> set[str]:
    """Those that Compose fills in, and those that it hands on without a value."""
    handed_on = re.findall(r"(?m)^ {6}([A-Z_]+):$", text)
    return {*re.findall(r"\$\{(\w+)", text), *handed_on}


def declared(example: str) -> set[str]:
    """A line that is commented out declares its variable too: it is documented and left to its default."""
    return set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", (ROOT / example).read_text()))


def locked(package: str) -> str:
    set_name = package.removeprefix("arize-")
    found = re.search(rf"(?m)^{package}==(\S+)", (ROOT / "requirements" / f"{set_name}.txt").read_text())
    assert found
    return found[1]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check_that_needs_no_shell(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", SERVICES)
def test_every_dependency_is_waited_for_until_it_is_healthy(service: str) -> None:
    conditions = [each["condition"] for each in SERVICES[service].get("depends_on", {}).values()]
    assert set(conditions) <= {"service_healthy"}


def test_litellm_and_phoenix_have_the_local_stack_s_versions() -> None:
    assert SERVICES["litellm"]["image"] == f"ghcr.io/berriai/litellm:v{locked('litellm')}"
    assert SERVICES["phoenix"]["image"] == f"arizephoenix/phoenix:version-{locked('arize-phoenix')}"


def test_no_image_floats() -> None:
    tags = [service["image"].rpartition(":")[2] for service in SERVICES.values() if "build" not in service]
    assert all(re.search(r"\d+\.\d+", tag) for tag in tags)


def test_the_api_is_given_no_secret_but_its_own() -> None:
    secrets = {
        name for name in SERVICES["reasoning-api"]["environment"] if re.search("KEY|PASSWORD|SALT|API_TOKENS", name)
    }
    assert secrets == API_SECRETS


def test_litellm_s_configuration_is_mounted_read_only() -> None:
    assert SERVICES["litellm"]["volumes"] == [
        "./config/litellm_config.yaml:/app/config.yaml:ro",
        # LiteLLM looks for it beside its configuration.
        "./config/litellm_plugin.py:/app/litellm_plugin.py:ro",
    ]


def test_both_files_publish_on_loopback_unless_told_otherwise() -> None:
    development = yaml.safe_load(DEVELOPMENT)["services"]
    ports = [port for each in (SERVICES, development) for service in each.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith(("${BIND_ADDRESS:-127.0.0.1}:", "127.0.0.1:")) for port in ports)


def test_databases_are_published_in_development_only() -> None:
    assert [name for name, service in SERVICES.items() if name.startswith("postgres") and "ports" in service] == []


def test_a_required_variable_is_named_with_the_mend() -> None:
    messages = re.findall(r"\$\{(\w+):\?([^}]*)\}", COMPOSE)
    assert messages
    assert all(message.startswith(f"set {name} in .env") for name, message in messages)


def test_every_variable_of_compose_stands_in_the_development_example() -> None:
    assert variables(COMPOSE + DEVELOPMENT) - declared(".env.dev.example") == set(traced_content({}))


def test_every_variable_of_compose_stands_in_the_production_example() -> None:
    assert variables(COMPOSE) - declared(".env.prod.example") == set(traced_content({}))


@pytest.mark.parametrize(("switch", "spans", "logs"), [("on", "span_only", "true"), ("off", "no_content", "false")])
def test_one_switch_tells_litellm_whether_to_keep_what_was_said(switch: str, spans: str, logs: str) -> None:
    assert list(traced_content({"TRACE_CONTENT": switch}).values()) == [spans, logs]


def test_without_the_switch_litellm_in_compose_keeps_nothing_of_what_was_said() -> None:
    environment = SERVICES["litellm"]["environment"]
    kept = {name: f"${{{name}:-{value}}}" for name, value in traced_content({"TRACE_CONTENT": "off"}).items()}
    assert environment.items() >= kept.items()


def test_the_api_answers_to_the_name_by_which_the_other_containers_reach_it() -> None:
    assert SERVICES["reasoning-api"]["environment"]["ALLOWED_HOSTS"] == "reasoning-api,${ALLOWED_HOSTS:-}"


def test_development_s_api_is_served_as_production_s() -> None:
    command = yaml.safe_load(DEVELOPMENT)["services"]["reasoning-api"]["command"]
    started = (ROOT / "api" / "__main__.py").read_text()
    for option, argument in (("--http", "http"), ("--ws", "ws")):
        assert f'"{argument}": "{command[command.index(option) + 1]}"' in started


def test_the_api_s_container_can_be_given_every_setting() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    assert settings - set(SERVICES["reasoning-api"]["environment"]) == set()


@pytest.mark.parametrize("example", [".env.dev.example", ".env.prod.example"])
def test_every_setting_of_the_api_stands_in_both_examples(example: str) -> None:
    assert {name.upper() for name in Settings.model_fields} - declared(example) == set()


@pytest.mark.parametrize("example", [".env.dev.example", ".env.prod.example"])
def test_an_example_holds_no_secret(example: str) -> None:
    lines = re.findall(r"(?m)^\w*(?:KEY|PASSWORD|TOKENS)=(.*)$", (ROOT / example).read_text())
    assert lines
    assert set(lines) == {""}


def test_the_image_runs_as_an_ordinary_user() -> None:
    assert re.search(r"(?m)^USER 10001:10001$", (ROOT / "Dockerfile").read_text())


def test_the_image_is_installed_from_hashes() -> None:
    assert "--require-hashes -r /requirements.txt" in (ROOT / "Dockerfile").read_text()


def test_the_build_context_leaves_everything_out_but_what_is_named() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert lines[-1] == "**/.env*"


@pytest.mark.parametrize("source", ["README.md", "docs"])
def test_the_image_holds_what_the_demo_tools_search(source: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert f"COPY {source} {source}" in (ROOT / "Dockerfile").read_text().splitlines()
    assert {f"!{source}", f"!{source}/**"} & set(ignored)
