"""Names that stand for models."""

from pathlib import Path

import pytest

from api.config_file import ConfigFileError
from api.llm.model_aliases import ModelAliases, load_aliases

ROOT = Path(__file__).parents[4]
LISTED = {"claude-opus-5", "claude-haiku-4-5", "gpt-4o"}
ALIASES = ModelAliases({"claude-opus-4-8": "claude-opus-5", "gpt-4o": "claude-opus-5", "lost": "not-there"})


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("claude-opus-4-8", "claude-opus-5"),
        ("claude-opus-4-8-20260115", "claude-opus-5"),
        ("claude-opus-4-8-latest", "claude-opus-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("gpt-4o", "gpt-4o"),
        ("lost", "lost"),
        ("nope", "nope"),
        ("nope-20251001", "nope-20251001"),
        ("claude-haiku-4-5-2025", "claude-haiku-4-5-2025"),
    ],
)
def test_a_name_stands_for_a_model_that_there_is(asked: str, answers: str) -> None:
    assert ALIASES.of(asked, LISTED) == answers


def test_nothing_is_replaced_while_nobody_knows_what_there_is() -> None:
    assert ALIASES.of("claude-opus-4-8", ()) == "claude-opus-4-8"


def test_the_file_that_ships_names_models_that_are_configured() -> None:
    configured = (ROOT / "config" / "litellm_config.yaml").read_text()
    aliases = load_aliases(ROOT / "config" / "model_aliases.yaml")
    for name in (
        "claude-opus-4-8",
        "claude-haiku-4-5-20251001",
        "claude-sonnet-4-5-20250929",
        "claude-3-5-haiku-latest",
    ):
        listed = {line.split(": ")[1] for line in configured.splitlines() if "- model_name: " in line}
        assert aliases.of(name, listed) in listed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("alias: {}\n", "line 1"),
        ("aliases: [a]\n", "line 1"),
        ("aliases:\n  a: 5\n", "line 2: aliases.a"),
        ("aliases:\n  a: b\n  a: c\n", "line 3"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "aliases.yaml"
    file.write_text(text)
    with pytest.raises(ConfigFileError, match=why):
        load_aliases(file)
