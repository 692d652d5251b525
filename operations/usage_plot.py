"""Cost over time by component, as a picture. The only module that needs matplotlib."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from matplotlib import dates
from matplotlib.figure import Figure

from operations.spend_rows import Charge


def draw(rows: Sequence[Charge], since: datetime, until: datetime, file: Path) -> None:
    """Each component's cost, added up from ``since`` on. Raises OSError."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(rows, key=lambda row: row.started)
    for component in sorted({row.component for row in ordered}):
        own = [row for row in ordered if row.component == component]
        times = [since, *(row.started for row in own), until]
        sums = [0.0, *itertools.accumulate(row.cost for row in own)]
        label = f"{component}: ${sums[-1]:.6f} in {len(own)} calls"
        axes.step([dates.date2num(time) for time in times], [*sums, sums[-1]], where="post", label=label)  # type: ignore[no-untyped-call]
    axes.xaxis_date("UTC")
    axes.set(title="Cost by component", xlabel="time (UTC)", ylabel="cost since the start, US dollars")
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    axes.set_ylim(bottom=0)
    if axes.lines:
        figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(file, dpi=120)
