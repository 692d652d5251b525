"""A prompt in a Markdown file that a reader can edit, checked when it is loaded."""

from collections.abc import Set as AbstractSet
from pathlib import Path
from string import Template


class PromptError(RuntimeError):
    """A prompt file that is missing or cannot be used; the message names it."""


def load_prompt(file: Path, placeholders: AbstractSet[str]) -> Template:
    """The file as a template that is filled with exactly these values.

    Raises:
        PromptError: it is missing, empty, unreadable, or asks for other values.
    """
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


def _named(placeholders: AbstractSet[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(placeholders)) or "nothing"
