"""What an instance goes by: its .env, and over each line of it the variable of the environment with the same name."""

from __future__ import annotations

import os
from collections.abc import Mapping

from local_stack import env_file, litellm_config
from local_stack.instance import Instance

# Where a provider is reached, by the names that LiteLLM reads.
PROVIDER_URLS = (
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "ANTHROPIC_API_BASE",
    "ANTHROPIC_BASE_URL",
    "OPENROUTER_API_BASE",
)


def names(instance: Instance) -> set[str]:
    """Every name that counts as a setting, wherever it is set. Raises LiteLLMConfigError."""
    files = (instance.example, instance.env_file)
    written = {name for file in files for name in env_file.read(file)}
    return {*written, *litellm_config.variables(instance.litellm_config), *PROVIDER_URLS}


def read(instance: Instance, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An empty variable wins over nothing. The virtual keys are the file's alone, because minting them writes them there.

    Raises LiteLLMConfigError.
    """
    exported = {name: environment.get(name, "") for name in names(instance).difference(env_file.MINTED)}
    return {**env_file.read(instance.env_file), **{name: value for name, value in exported.items() if value.strip()}}
