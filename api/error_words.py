"""What of an upstream's error can be said as it is."""

from http import HTTPStatus
from typing import Any


def phrase(status: int) -> str:
    """HTTP's own, for an error that has no message."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"The provider answered {status}."


def code_of(value: Any) -> str | None:
    """LiteLLM writes the status into `code` where it has none: what the status says already is no code."""
    code = text_of(value)
    return None if code is None or code.isdigit() else code


def text_of(value: Any) -> str | None:
    """None where an upstream says nothing, in whatever way."""
    return None if value is None or value == "None" else sayable(str(value))


def sayable(text: str) -> str:
    """An upstream's JSON may hold half a character, which no answer can."""
    return text.encode(errors="replace").decode()
