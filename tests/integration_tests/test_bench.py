"""`make bench` measures what it says, so few times that its numbers mean nothing."""

import pytest

from local_stack.instance import Instance
from tests.bench.__main__ import PARTS, run
from tests.support.stack_client import StackClient

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_measured_to_its_end(stack: Instance, part: str) -> None:
    machine, _, title, *table = run(StackClient.of(stack), [part], scale=0.02)
    rows = [line for line in table if line.startswith("| ")]
    assert "CPUs" in machine
    assert title.startswith("### ")
    assert len(rows) >= 5
