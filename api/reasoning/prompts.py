"""The prompts, as Markdown files that a reader can edit; loaded once, checked at start-up."""

from dataclasses import dataclass, fields
from pathlib import Path
from string import Template

DIRECTORY = Path(__file__).with_name("prompts")

# The values that each prompt is filled with; a file that asks for others, or not for these, stops the start-up.
_PLACEHOLDERS = {"step": {"date", "tools"}, "repair": {"problem"}, "synthesis": set(), "answer_now": {"ending"}}


class PromptError(RuntimeError):
    """A prompt file that is missing or cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """One template for each file of the directory."""

    step: Template
    repair: Template
    synthesis: Template
    answer_now: Template


def load_prompts(directory: Path = DIRECTORY) -> Prompts:
    """All prompts of the directory.

    Raises:
        PromptError: naming the first file that is missing, empty, unreadable or asks for the wrong values.
    """
    return Prompts(
        **{field.name: _load(directory / f"{field.name}.md", _PLACEHOLDERS[field.name]) for field in fields(Prompts)}
    )


def _load(file: Path, placeholders: set[str]) -> Template:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"The prompt {file} cannot be read: {error}") from None
    template = Template(text)
    if not text:
        raise PromptError(f"The prompt {file} is empty.")
    if not template.is_valid():
        raise PromptError(f"The prompt {file} holds a '$' that is neither '$$' nor one of: {_named(placeholders)}.")
    if set(template.get_identifiers()) != placeholders:
        found = _named(set(template.get_identifiers()))
        raise PromptError(f"The prompt {file} must ask for exactly {_named(placeholders)}, but asks for {found}.")
    return template


def _named(placeholders: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(placeholders)) or "nothing"
