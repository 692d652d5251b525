"""Following log files, half lines and rotations included."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack import following
from local_stack.following import Follower
from local_stack.instance import Instance


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


@pytest.fixture
def follower(log: Path) -> Iterator[Follower]:
    made = Follower("api", log, "api | ")
    yield made
    made.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_the_last_lines_come_first_with_their_service_in_front(log: Path, follower: Follower) -> None:
    log.write_text("one\ntwo\nthree\n")
    assert follower.last(2) == ["api | two", "api | three"]


def test_no_last_lines_means_only_what_comes(log: Path, follower: Follower) -> None:
    log.write_text("old\n")
    assert follower.last(0) == []
    append(log, "new\n")
    assert follower.new_lines() == ["api | new"]


def test_a_half_written_line_waits_for_its_end(log: Path, follower: Follower) -> None:
    log.write_text("")
    follower.last(5)
    append(log, "half ")
    assert follower.new_lines() == []
    append(log, "and whole\n")
    assert follower.new_lines() == ["api | half and whole"]


def test_nothing_is_lost_when_the_log_is_rotated(log: Path, follower: Follower, tmp_path: Path) -> None:
    log.write_text("first\n")
    follower.last(5)
    append(log, "before\n")
    log.rename(tmp_path / "api.log.1")
    log.write_text("after\n")
    assert follower.new_lines() == ["api | before", "api | after"]


def test_a_log_that_does_not_exist_yet_is_picked_up_later(log: Path, follower: Follower) -> None:
    assert follower.last(5) == []
    log.write_text("here\n")
    assert follower.new_lines() == ["api | here"]


def test_one_service_alone_needs_no_name_in_front(tmp_path: Path) -> None:
    [only] = following.followers(Instance(tmp_path), ["api"])
    assert only.prefix == ""
