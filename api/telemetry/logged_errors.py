"""Errors where what was said may not stand: their class, status and code, and where they were raised, but not their messages."""

import logging
import re
import traceback

from api.errors import APIError

_NAME = re.compile(r"[\w.\-]{1,64}")


def summary(error: BaseException) -> str:
    """Class, status and code: what can be told of an error where its message, which may quote a prompt, must not stand."""
    if not isinstance(error, APIError):
        return type(error).__name__
    code = error.error_code if error.error_code and _NAME.fullmatch(error.error_code) else ""
    return f"{type(error).__name__} {error.status_code} {code}".rstrip()


def without_messages(record: logging.LogRecord) -> bool:
    """A filter for handlers that lets every record through: its traceback is written here, and formatters take it as it is.

    The message of an unforeseen error quotes what could not be handled, which may be a prompt, an argument or an answer.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.exc_text = "".join(_told(error, set())).rstrip()
    return True


def _told(error: BaseException, seen: set[int]) -> list[str]:
    """The error after what led to it, as Python tells both; an error can be its own context's context."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    told = []
    if before is not None and id(before) not in seen:
        told = [*_told(before, seen), "\nwhich led to:\n\n"]
    told += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    told.append(f"{type(error).__module__}.{type(error).__qualname__}\n")
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            told += ["\nwhich holds:\n\n", *_told(member, seen)]
    return told
