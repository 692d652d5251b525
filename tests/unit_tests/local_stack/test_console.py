"""What is said while something takes its time."""

import time

import pytest

from local_stack.console import PATIENCE_SECONDS, progress


def test_what_is_quickly_done_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Counting"):
        pass
    assert capsys.readouterr().err == ""


def test_what_takes_longer_is_said_once_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said, deadline = "", time.monotonic() + 60
    with progress("Counting") as tell:
        tell("Counted [2] of 9")
        while not said and time.monotonic() < deadline:
            time.sleep(PATIENCE_SECONDS / 10)
            said = capsys.readouterr().err
    assert said + capsys.readouterr().err == "Counted [2] of 9 ...\n"
