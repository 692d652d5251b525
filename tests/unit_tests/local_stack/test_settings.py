"""One mapping for everything that `make up` does: the file, and the environment over it."""

import dataclasses
from pathlib import Path

import pytest

from local_stack import bootstrap, settings
from local_stack.instance import Instance

FILE = (
    "API_TOKENS=rk-file\nPHOENIX_PROJECT_NAME=file\nLITELLM_MASTER_KEY=sk-file\nLITELLM_API_KEY=sk-minted\nOWN=file\n"
)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance(tmp_path, 9100)
    made.env_file.write_text(FILE)
    return made


@pytest.mark.parametrize("name", ["API_TOKENS", "PHOENIX_PROJECT_NAME", "LITELLM_MASTER_KEY", "OWN"])
def test_a_variable_of_the_environment_wins_over_a_line(instance: Instance, name: str) -> None:
    assert settings.read(instance, {name: "exported"})[name] == "exported"


@pytest.mark.parametrize("name", ["HTTP_READ_TIMEOUT", "OPENAI_API_KEY", "OPENAI_API_BASE"])
def test_a_setting_without_a_line_is_taken_from_the_environment(instance: Instance, name: str) -> None:
    assert settings.read(instance, {name: "exported"})[name] == "exported"


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_variable_wins_over_nothing(instance: Instance, empty: str) -> None:
    assert settings.read(instance, {"API_TOKENS": empty})["API_TOKENS"] == "rk-file"


def test_a_minted_key_is_the_files(instance: Instance) -> None:
    assert settings.read(instance, {"LITELLM_API_KEY": "sk-of-another-stack"})["LITELLM_API_KEY"] == "sk-minted"


def test_the_rest_of_the_environment_is_no_setting(instance: Instance) -> None:
    assert "HTTP_PROXY" not in settings.read(instance, {"HTTP_PROXY": "http://proxy.example", "PATH": "/bin"})


def test_a_key_that_a_model_of_the_configuration_names_is_a_setting(instance: Instance, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "config").mkdir(parents=True)
    (root / ".env.dev.example").write_text((bootstrap.ROOT / ".env.dev.example").read_text())
    model = "{model_name: gemini-9, litellm_params: {model: gemini/gemini-9, api_key: os.environ/GEMINI_API_KEY}}"
    (root / "config" / "litellm_config.yaml").write_text(f"model_list:\n  - {model}\n")
    elsewhere = dataclasses.replace(instance, root=root)
    assert settings.read(elsewhere, {"GEMINI_API_KEY": "g-exported"})["GEMINI_API_KEY"] == "g-exported"
