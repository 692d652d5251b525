"""The prompt files: what is wrong with one stops the start-up, with its name."""

import shutil
from pathlib import Path

import pytest

from api.prompt_file import PromptError
from api.reasoning.prompts import DIRECTORY, load_prompts

NAMES = ["answer_now", "form", "nested_form", "repair", "step", "synthesis"]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DIRECTORY, tmp_path / "prompts"))


def test_there_is_a_file_for_each_prompt_and_no_other() -> None:
    assert sorted(file.name for file in DIRECTORY.iterdir()) == [f"{name}.md" for name in NAMES]


def test_they_are_filled_with_what_they_ask_for(prompts: Path) -> None:
    loaded = load_prompts(prompts)
    assert "costs $5" in loaded.step.substitute(date="2026-01-02", form="{}", tools="costs $5")
    assert "no thought" in loaded.repair.substitute(problem="no thought")
    assert "in circles" in loaded.answer_now.substitute(ending="in circles")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_one_is_named(prompts: Path, name: str) -> None:
    (prompts / f"{name}.md").unlink()
    with pytest.raises(PromptError, match=rf"{name}\.md cannot be read"):
        load_prompts(prompts)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b" \n", "is empty"),
        (b"\xff\xfe", "cannot be read"),
        (b"It costs $5", "holds a '\\$'"),
        (b"Ask $nobody", "asks for \\$nobody"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_what_is_wrong(
    prompts: Path, name: str, content: bytes, told: str
) -> None:
    (prompts / f"{name}.md").write_bytes(content)
    with pytest.raises(PromptError, match=rf"{name}\.md .*{told}"):
        load_prompts(prompts)


@pytest.mark.parametrize("name", ["answer_now", "repair", "step"])
def test_one_that_leaves_a_value_out_is_named(prompts: Path, name: str) -> None:
    (prompts / f"{name}.md").write_text("Nothing is asked for.")
    with pytest.raises(PromptError, match=rf"{name}\.md must ask for exactly .*but asks for nothing"):
        load_prompts(prompts)
