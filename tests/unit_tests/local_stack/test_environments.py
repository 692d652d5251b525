"""Who gets to know what."""

import os
from pathlib import Path

import pytest

from local_stack import environments
from local_stack.instance import SERVICE_MARKER, STATE_MARKER, Instance
from local_stack.services import Options, Service, definitions

SECRETS = {
    "API_TOKENS": "rk-token",
    "LITELLM_MASTER_KEY": "sk-master",
    "LITELLM_SALT_KEY": "sk-salt",
    "LITELLM_POSTGRES_PASSWORD": "databasepassword",
    "LITELLM_API_KEY": "sk-virtual",
    "LITELLM_TEST_KEY": "sk-virtual-test",
}
REAL = {**SECRETS, "OPENAI_API_KEY": "sk-real-openai"}


@pytest.fixture(autouse=True)
def _no_proxies_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environments.PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, 9100)


def service(instance: Instance, settings: dict[str, str], name: str) -> Service:
    return next(found for found in definitions(instance, settings, Options()) if found.name == name)


def known(instance: Instance, settings: dict[str, str], name: str) -> set[str]:
    """Which of the secrets' values a service's environment or command holds."""
    found = service(instance, settings, name)
    text = " ".join([*found.environment.values(), *found.command])
    return {secret for secret, value in settings.items() if value in text.replace(SECRETS["LITELLM_TEST_KEY"], "")}


def test_the_api_knows_its_tokens_and_its_virtual_key_and_no_other_secret(instance: Instance) -> None:
    assert known(instance, REAL, "api") == {"API_TOKENS", "LITELLM_API_KEY"}


def test_litellm_knows_the_providers_keys_and_its_own_but_not_the_apis_tokens(instance: Instance) -> None:
    expected = {"OPENAI_API_KEY", "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "LITELLM_POSTGRES_PASSWORD"}
    assert known(instance, REAL, "litellm") == expected


@pytest.mark.parametrize("name", ["postgres", "phoenix", "demo-provider", "demo-tools"])
def test_the_others_know_no_secret(instance: Instance, name: str) -> None:
    assert known(instance, REAL, name) == set()


def test_no_secret_stands_in_a_command_line(instance: Instance) -> None:
    commands = [" ".join(found.command) for found in definitions(instance, REAL, Options())]
    assert not [value for value in REAL.values() if any(value in command for command in commands)]


def test_the_users_environment_is_not_inherited(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN_OF_THE_USERS", "private")
    for found in definitions(instance, SECRETS, Options()):
        assert "SOME_TOKEN_OF_THE_USERS" not in found.environment


def test_without_a_providers_key_every_provider_is_the_demo_provider(instance: Instance) -> None:
    environment = environments.providers(instance, SECRETS)
    assert environment["OPENAI_BASE_URL"] == "http://127.0.0.1:9105/v1"
    assert environment["ANTHROPIC_API_BASE"] == "http://127.0.0.1:9105"
    assert environment["OPENROUTER_API_BASE"] == "http://127.0.0.1:9105/v1"
    assert {environment[name] for name in environments.DEMO_PROVIDER_KEYS} == {environments.DEMO_KEY}


def test_beside_the_demo_provider_a_memory_service_keeps_its_key(tmp_path: Path) -> None:
    config = GEMINI.replace("api_base: os.environ/GEMINI_BASE", "extra_headers: {x-memory-key: os.environ/MEMORY_KEY}")
    instance = Instance(tmp_path, 9100, root=checkout(tmp_path, config))
    environment = environments.providers(instance, SECRETS | {"MEMORY_KEY": "m-real"})
    assert (environment["MEMORY_KEY"], environment["OPENAI_BASE_URL"]) == ("m-real", "http://127.0.0.1:9105/v1")


def test_the_api_is_told_of_its_callers_and_of_memory(instance: Instance) -> None:
    told = {"CALLERS_CONFIG_PATH": "c.yaml", "CALLER_ALICE": "token", "MEMORY_ROUTING_CONFIG_PATH": "m.yaml"}
    assert environments.api(instance, SECRETS | told, "sk-virtual").items() >= told.items()


def test_with_one_providers_key_no_address_is_bent(instance: Instance) -> None:
    assert environments.providers(instance, REAL) == {"OPENAI_API_KEY": "sk-real-openai"}


def test_an_address_of_the_users_own_goes_with_the_key(instance: Instance) -> None:
    settings = {**REAL, "OPENAI_BASE_URL": "https://gateway.example/v1"}
    assert environments.providers(instance, settings)["OPENAI_BASE_URL"] == "https://gateway.example/v1"


def test_nothing_but_the_settings_says_what_is_set(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold what the environment says already: read twice, two services could go by two values."""
    before = [found.digest() for found in definitions(instance, SECRETS, Options())]
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "API_TOKENS", "HTTP_READ_TIMEOUT", "TRACE_CONTENT"):
        monkeypatch.setenv(name, "exported")
    assert [found.digest() for found in definitions(instance, SECRETS, Options())] == before


def test_a_provider_that_the_configuration_names_gets_its_key_and_its_address(tmp_path: Path) -> None:
    root = checkout(tmp_path, GEMINI)
    settings = {**SECRETS, "GEMINI_API_KEY": "g-real", "GEMINI_BASE": "https://gemini.example"}
    environment = environments.providers(Instance(tmp_path, 9100, root=root), settings)
    assert environment == {"GEMINI_API_KEY": "g-real", "GEMINI_BASE": "https://gemini.example"}


def test_a_key_that_no_model_names_reaches_nobody(tmp_path: Path) -> None:
    instance = Instance(tmp_path, 9100, root=checkout(tmp_path, GEMINI))
    assert environments.uses_demo_provider(instance, REAL)
    assert "sk-real-openai" not in environments.providers(instance, REAL).values()


def test_edited_code_and_prompts_start_just_the_services_that_run_them_anew(tmp_path: Path) -> None:
    root = checkout(tmp_path, GEMINI)
    for file, expected in {
        "api/reasoning/agent.py": {"api"},
        "api/prompts/step.md": {"api"},
        "config/mcp_servers.yaml": {"api"},
        "config/memory_routing.yaml": {"api"},
        "config/callers.yaml": set(),
        "config/litellm_config.yaml": {"litellm"},
        "config/litellm_plugin.py": {"litellm"},
        "demo/provider/app.py": {"demo-provider"},
        "demo/tools/server.py": {"demo-tools"},
        "local_stack/litellm_server.py": {"litellm"},
        "local_stack/phoenix_server.py": {"phoenix"},
        "api/garbage_collection.py": {"api", "litellm", "phoenix"},
        "docs/architecture.md": set(),
    }.items():
        before = digests(root)
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        with (root / file).open("a") as edited:
            edited.write("\n# edited\n")
        after = digests(root)
        assert (file, {name for name in after if after[name] != before[name]}) == (file, expected)


def test_a_file_that_is_removed_starts_its_service_anew(tmp_path: Path) -> None:
    root = checkout(tmp_path, GEMINI)
    (root / "api").mkdir()
    (root / "api" / "extra.py").touch()
    before = digests(root)
    (root / "api" / "extra.py").unlink()
    assert {name for name, digest in digests(root).items() if digest != before[name]} == {"api"}


def test_the_mcp_file_that_is_named_is_the_one_that_counts(tmp_path: Path) -> None:
    root, named = checkout(tmp_path, GEMINI), tmp_path / "mcp.yaml"
    before = digests(root, MCP_CONFIG_PATH=str(named))
    named.write_text("servers: []")
    assert digests(root, MCP_CONFIG_PATH=str(named))["api"] != before["api"]


GEMINI = """model_list:
  - model_name: gemini-9
    litellm_params: {model: gemini/gemini-9, api_key: os.environ/GEMINI_API_KEY, api_base: os.environ/GEMINI_BASE}
"""


def checkout(folder: Path, config: str) -> Path:
    """A root folder with nothing in it but this configuration of LiteLLM's."""
    (folder / "root" / "config").mkdir(parents=True)
    (folder / "root" / "config" / "litellm_config.yaml").write_text(config)
    return folder / "root"


def digests(root: Path, **settings: str) -> dict[str, str]:
    instance = Instance(root.parent, 9100, root=root)
    return {found.name: found.digest() for found in definitions(instance, SECRETS | settings, Options())}


def test_loopback_never_goes_through_a_proxy(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    assert environments.outward() == {
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "intranet.example,127.0.0.1,localhost",
        "no_proxy": "intranet.example,127.0.0.1,localhost",
    }


def test_both_sides_of_a_trace_name_the_same_project(instance: Instance) -> None:
    settings = {**SECRETS, "PHOENIX_PROJECT_NAME": "elsewhere"}
    assert environments.api(instance, settings, "sk-virtual")["PHOENIX_PROJECT_NAME"] == "elsewhere"
    attributes = environments.litellm(instance, settings)["OTEL_RESOURCE_ATTRIBUTES"]
    assert attributes == "openinference.project.name=elsewhere"


def test_everything_is_marked_with_the_instance_and_its_own_name(instance: Instance) -> None:
    for found in definitions(instance, SECRETS, Options()):
        assert found.environment[STATE_MARKER] == str(instance.state)
        assert found.environment[SERVICE_MARKER] == found.name


def test_another_terminal_makes_no_other_definition(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [found.digest() for found in definitions(instance, SECRETS, Options())]
    monkeypatch.setenv("PATH", f"/elsewhere:{os.environ['PATH']}")
    for name in ("LANG", "TMPDIR", "TERM", "PWD"):
        monkeypatch.setenv(name, "/elsewhere")
    assert [found.digest() for found in definitions(instance, SECRETS, Options())] == before


def test_a_changed_setting_changes_just_the_services_that_know_it(instance: Instance) -> None:
    before = {found.name: found.digest() for found in definitions(instance, SECRETS, Options())}
    after = definitions(instance, {**SECRETS, "API_TOKENS": "rk-another"}, Options())
    assert [found.name for found in after if found.digest() != before[found.name]] == ["api"]


def test_the_demo_provider_can_be_scripted_only_when_asked_to(instance: Instance) -> None:
    plain, scripted = (definitions(instance, SECRETS, Options(scripted=choice)) for choice in (False, True))
    assert not any("--scripted" in found.command for found in plain)
    assert [found.name for found in scripted if "--scripted" in found.command] == ["demo-provider"]


def test_what_tests_ask_is_charged_to_the_test_key(instance: Instance) -> None:
    plain, scripted = (definitions(instance, SECRETS, Options(scripted=choice))[-1] for choice in (False, True))
    assert plain.environment["LLM_API_KEY"] == SECRETS["LITELLM_API_KEY"]
    assert scripted.environment["LLM_API_KEY"] == SECRETS["LITELLM_TEST_KEY"]


def test_everything_that_listens_is_told_to_listen_on_loopback(instance: Instance) -> None:
    for found in definitions(instance, SECRETS, Options()):
        text = " ".join([*found.command, *found.environment.values()])
        assert "127.0.0.1" in text
        assert "0.0.0.0" not in text  # noqa: S104 - what must not be there
