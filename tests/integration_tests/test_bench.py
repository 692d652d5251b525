"""`make bench` measures what it says, so few times that its numbers mean nothing."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.__main__ import measured
from tests.bench.run import Run
from tests.bench.servers import Servers


@pytest.mark.parametrize(
    ("part", "rows"), [("plain", 14), ("stream", 20), ("stalls", 9), ("start", 6), ("parallel", 6), ("reasoning", 8)]
)
async def test_each_part_is_measured_to_its_end(part: str, rows: int, tmp_path: Path) -> None:
    with ExitStack() as resources:
        run = Run(Servers(tmp_path, resources), repeat=1, scale=0.02)
        got = await measured(run, [part])
    assert run.notes == []
    assert len(got) == rows
