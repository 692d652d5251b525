"""Errors without their messages."""

import logging
from collections.abc import Callable

import pytest

from api.errors import APIError, UpstreamError
from api.telemetry.logged_errors import summary, without_messages

SAID = "my prompt"  # stands in no line that raises: a traceback shows those


def _logged(work: Callable[[], object]) -> str:
    """What is written of the error that this raises."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
        work()
    error = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("test", logging.ERROR, "file", 1, "It failed", (), error)
    assert without_messages(record)
    return logging.Formatter().format(record)


def _fail() -> None:
    raise ValueError(SAID)


def _fail_because_of_another() -> None:
    try:
        _fail()
    except ValueError as error:
        raise LookupError(SAID) from error


def _fail_in_handling_another() -> None:
    try:
        _fail()
    except ValueError:
        raise LookupError(SAID)  # noqa: B904 - the context is the point


def _fail_side_by_side() -> None:
    raise ExceptionGroup(SAID, [ValueError(SAID), LookupError(SAID)])


@pytest.mark.parametrize(
    "work",
    [_fail, _fail_because_of_another, _fail_in_handling_another, _fail_side_by_side],
    ids=lambda work: work.__name__,
)
def test_no_message_of_an_error_is_logged(work: Callable[[], object]) -> None:
    assert SAID not in _logged(work)


def test_where_it_failed_is_logged_with_the_classes() -> None:
    logged = _logged(_fail_because_of_another)
    assert logged.startswith("It failed\nTraceback (most recent call last):\n")
    assert logged.index("in _fail\n") < logged.index("builtins.ValueError\n") < logged.index("builtins.LookupError")


def test_a_record_without_an_error_is_left_as_it_is() -> None:
    record = logging.LogRecord("test", logging.INFO, "file", 1, "all is well", (), None)
    assert without_messages(record)
    assert logging.Formatter().format(record) == "all is well"


def test_a_summary_has_class_status_and_code_but_no_message() -> None:
    assert (
        summary(UpstreamError(400, {"message": "no: my prompt", "code": "bad_prompt"}))
        == "UpstreamError 400 bad_prompt"
    )


@pytest.mark.parametrize("error", [UpstreamError(400, {"code": "no: my prompt"}), UpstreamError(400, {})], ids=str)
def test_a_summary_leaves_out_a_code_that_is_none(error: APIError) -> None:
    assert summary(error) == "UpstreamError 400"


def test_a_summary_of_an_unforeseen_error_is_its_class() -> None:
    assert summary(LookupError("my prompt")) == "LookupError"
