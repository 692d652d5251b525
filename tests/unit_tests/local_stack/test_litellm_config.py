"""LiteLLM's configuration, as far as the stack reads it."""

from pathlib import Path

import pytest

from local_stack import litellm_config
from local_stack.litellm_config import LiteLLMConfigError

TEXT = """
model_list:
  - {model_name: one, litellm_params: {model: openai/one, api_key: os.environ/ONE_KEY}}
  - {model_name: two, litellm_params: {model: azure/two, api_key: os.environ/TWO_KEY, api_base: os.environ/TWO_BASE}}
  - {model_name: at-home, litellm_params: {model: ollama/at-home, api_base: "http://127.0.0.1:11434"}}
  - {model_name: text-embedding-9, litellm_params: {model: openai/e, api_key: os.environ/ONE_KEY}}
  - {model_name: words, litellm_params: {model: openai/w, api_key: os.environ/ONE_KEY}, model_info: {mode: embedding}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT)
    return path


def test_every_variable_that_holds_a_key_is_found_once(file: Path) -> None:
    assert litellm_config.provider_keys(file) == ("ONE_KEY", "TWO_KEY")


def test_what_a_model_needs_beside_its_key_is_found_too(file: Path) -> None:
    assert litellm_config.variables(file) == ("ONE_KEY", "TWO_KEY", "TWO_BASE")


def test_a_variable_that_a_header_of_a_model_holds_is_found_too(file: Path) -> None:
    model = (
        "model: openai/m, api_key: os.environ/ONE_KEY, extra_headers: {x-supermemory-api-key: os.environ/MEMORY_KEY}"
    )
    file.write_text(f"model_list:\n  - {{model_name: memory/m, litellm_params: {{{model}}}}}\n")
    assert litellm_config.variables(file) == ("ONE_KEY", "MEMORY_KEY")
    assert litellm_config.provider_keys(file) == ("ONE_KEY",)


def test_embeddings_do_not_chat(file: Path) -> None:
    assert [model.name for model in litellm_config.models(file) if model.chats] == ["one", "two", "at-home"]


def test_the_projects_own_example_of_a_memory_service_can_be_used(file: Path) -> None:
    own = litellm_config.FILE.read_text()
    example = own[own.index("  # - model_name: memory/") : own.index("\ngeneral_settings:")]
    file.write_text("model_list:\n" + example.replace("  # ", "  "))
    found = {model.name: model.variables for model in litellm_config.models(file)}
    assert found == {
        "memory/gpt-4o-mini": ("OPENAI_API_KEY", "SUPERMEMORY_API_KEY"),
        "memory/claude-haiku-4-5": ("ANTHROPIC_API_KEY", "SUPERMEMORY_API_KEY"),
    }


def test_the_projects_own_configuration_names_three_providers() -> None:
    assert litellm_config.provider_keys() == ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")


@pytest.mark.parametrize("text", ["{}", "model_list: [7]", "model_list: [", "model_list: [{model_name: one}]"])
def test_a_configuration_that_cannot_be_read_is_named(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(LiteLLMConfigError, match=r"config\.yaml"):
        litellm_config.models(file)
