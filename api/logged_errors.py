"""Tracebacks for a log that may not hold what was said: where an error was raised, and its class, but not its message."""

import logging
import traceback


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
