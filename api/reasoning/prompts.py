"""The prompts, as Markdown files that a reader can edit; loaded once, checked at start-up."""

from dataclasses import dataclass, fields
from pathlib import Path
from string import Template

from api.prompt_file import load_prompt

DIRECTORY = Path(__file__).with_name("prompts")

# The values that each prompt is filled with; a file that asks for others, or not for these, stops the start-up.
_PLACEHOLDERS: dict[str, set[str]] = {
    "step": {"date", "form", "tools"},
    "form": set(),
    "nested_form": set(),
    "repair": {"problem"},
    "synthesis": set(),
    "answer_now": {"ending"},
}


@dataclass(frozen=True, slots=True)
class Prompts:
    """One template for each file of the directory."""

    step: Template
    form: Template
    nested_form: Template
    repair: Template
    synthesis: Template
    answer_now: Template


def load_prompts(directory: Path = DIRECTORY) -> Prompts:
    """All prompts of the directory.

    Raises:
        PromptError: naming the first file that is missing, empty, unreadable or asks for the wrong values.
    """
    return Prompts(
        **{
            field.name: load_prompt(directory / f"{field.name}.md", _PLACEHOLDERS[field.name])
            for field in fields(Prompts)
        }
    )
