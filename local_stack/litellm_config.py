"""What the stack reads in LiteLLM's configuration: the models, and which variables their providers' keys stand in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local_stack import bootstrap

FILE = bootstrap.ROOT / "config" / "litellm_config.yaml"
# How LiteLLM's configuration names a variable of LiteLLM's environment.
REFERENCE = "os.environ/"


class LiteLLMConfigError(Exception):
    """The configuration cannot be read; the message says why."""


@dataclasses.dataclass(frozen=True)
class Model:
    """``key`` is the variable that holds its provider's key, if it is one; ``variables`` are all that it names."""

    name: str
    key: str
    variables: tuple[str, ...]
    chats: bool

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Model:
        name, parameters = str(entry["model_name"]), entry["litellm_params"]
        mode = (entry.get("model_info") or {}).get("mode") or ("embedding" if "embedding" in name else "chat")
        key = next(_references(parameters.get("api_key")), "")
        return cls(name, key, tuple(_references(parameters)), mode == "chat")


def _references(value: object) -> Iterator[str]:
    """Those of a parameter that is a text, and of one that holds others, such as headers."""
    if isinstance(value, str) and value.startswith(REFERENCE):
        yield value.removeprefix(REFERENCE)
    if isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)


def models(file: Path = FILE) -> list[Model]:
    """Raises LiteLLMConfigError."""
    try:
        return [Model.of(entry) for entry in yaml.safe_load(file.read_text())["model_list"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise LiteLLMConfigError(unreadable(file, error)) from error


def unreadable(file: Path, error: Exception) -> str:
    """Why nothing could be made of a configuration, for whoever wrote it."""
    if isinstance(error, OSError):
        return f"{file} cannot be read: {error.strerror}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"{file}, line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, (UnicodeDecodeError, yaml.YAMLError)):
        return f"{file} is not YAML in UTF-8"
    return f"{file} has no model_list whose entries have a model_name and litellm_params"


def provider_keys(file: Path = FILE) -> tuple[str, ...]:
    """The variables of all providers' keys, in the models' order. Raises LiteLLMConfigError."""
    return tuple(dict.fromkeys(model.key for model in models(file) if model.key))


def variables(file: Path = FILE) -> tuple[str, ...]:
    """Every variable that a model names, such as an address beside a key. Raises LiteLLMConfigError."""
    return tuple(dict.fromkeys(name for model in models(file) for name in model.variables))
