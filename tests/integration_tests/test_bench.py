"""`make bench` measures what it says, so few times that its numbers mean nothing."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.bench.__main__ import measured
from tests.bench.run import Run
from tests.bench.servers import Servers

# The others start a stack, hundreds of streams, or more programs than a test should wait for.
ROWS = {"plain": 15, "stream": 24, "messages": 8, "parallel": 6}


async def test_each_part_is_measured_to_its_end(tmp_path: Path) -> None:
    with ExitStack() as resources:
        run = Run(Servers(tmp_path, resources), repeat=1, scale=0.02)
        rows = await measured(run, list(ROWS))
    assert run.notes == []
    assert Counter(row.part for row in rows) == ROWS
