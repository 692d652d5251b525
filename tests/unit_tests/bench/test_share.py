"""What is compared of LiteLLM: how each side is started, and how its numbers are told."""

from pathlib import Path

from local_stack import health
from local_stack.services import Service
from tests.bench.share.__main__ import cells
from tests.bench.share.changes import CHANGES, Setting
from tests.bench.share.measure import Measured
from tests.bench.share.sides import litellm_command

STACKS = ["/venv/python", "-m", "local_stack.litellm_server", "--config", "c.yaml", "--port", "4000"]


def _service() -> Service:
    return Service("litellm", STACKS, {}, Path("/"), health.http("http://127.0.0.1:4000"))


def test_a_side_without_a_change_is_started_as_the_stack_does_on_a_port_of_its_own() -> None:
    assert litellm_command(_service(), Setting(), 5000) == [*STACKS[1:-1], "5000"]


def test_options_and_another_program_are_what_a_change_may_be() -> None:
    setting = Setting(options=("--num_workers", "2"), module="another")
    assert litellm_command(_service(), setting, 5000) == [
        "-m", "another", "--config", "c.yaml", "--port", "5000", "--num_workers", "2",
    ]  # fmt: skip


def test_each_change_changes_something_but_the_one_that_shows_the_noise() -> None:
    assert [name for name, change in CHANGES.items() if change.before == change.after] == ["nothing"]


def test_ratios_are_those_of_after_over_before() -> None:
    what, *told = cells("rust", Measured([2.0, 2.0], 10.0, 100.0), Measured([1.0, 1.0], 5.0, 150.0))
    assert what == CHANGES["rust"].what
    assert told == ["0.50 ×", "0.50 ×", "0.50 ×", "0.50 ×", "1.50 ×", "2 → 1 ms", "2 → 1 ms"]
