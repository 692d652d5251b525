"""Draws latency, CPU and throughput over concurrency and over the length of streams: `make bench_plot`."""

import argparse
import asyncio
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from tests.bench.curves import STREAMS, Curves, knee, over_concurrency, over_length
from tests.bench.quiet import add_option, facts_if_quiet
from tests.bench.report import facts_line
from tests.bench.results import written
from tests.bench.run import Run
from tests.bench.servers import RELAY, Servers
from tests.support.processes import ROOT

PICTURE = ROOT / "docs" / "images" / "performance.png"
ROWS = {
    "plain requests at a time": ("latency, p50 (ms)", "CPU a request (µs)", "requests a second"),
    f"chunks of a stream, {STREAMS} streams at a time": (
        "a whole stream, p50 (ms)",
        "CPU a chunk (µs)",
        "chunks a second",
    ),
}
COLUMNS = ("latency", "cpu", "rate")


def drawn(told: dict[str, str], curves: list[Curves]) -> Figure:
    """A row for each set of curves; the knee of each, by its throughput, is a circle on all three of its lines."""
    figure = Figure(figsize=(14, 8), layout="constrained")
    grid = figure.subplots(2, 3, squeeze=False)
    for axes, (along, titles), lines in zip(grid, ROWS.items(), curves, strict=True):
        for axis, title, column in zip(axes, titles, COLUMNS, strict=True):
            _draw(axis, lines, column)
            axis.set(title=title, xlabel=along, xscale="log", yscale="log")
            axis.set_xticks([point.x for point in lines[RELAY]], minor=False)
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.yaxis.set_minor_locator(NullLocator())
    named = dict(zip(*reversed(grid[0][0].get_legend_handles_labels()), strict=True))
    title = "A circle marks the knee: the first point with 90 % of the highest throughput"
    # Beneath the curves, where it covers none.
    figure.legend(named.values(), named, title=title, loc="outside lower center", ncols=len(named))
    figure.suptitle(facts_line(told), fontsize=8)
    return figure


def _draw(axis: Axes, lines: Curves, column: str) -> None:
    for name, points in lines.items():
        places, values = [point.x for point in points], [getattr(point, column) for point in points]
        (line,) = axis.plot(places, values, marker=".", label=name)
        bend = knee(points)
        axis.plot([bend.x], [getattr(bend, column)], "o", markersize=12, fillstyle="none", color=line.get_color())
    axis.grid(visible=True, which="major", alpha=0.3)


async def _measured(run: Run) -> list[Curves]:
    return [await over_concurrency(run), await over_length(run)]


def _data(curves: list[Curves]) -> dict[str, Any]:
    lines = [{name: [asdict(point) for point in points] for name, points in one.items()} for one in curves]
    return {"curves": dict(zip(ROWS, lines, strict=True))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plot", description=__doc__)
    parser.add_argument("--out", type=Path, default=PICTURE, help=f"(default: {PICTURE.relative_to(ROOT)})")
    parser.add_argument("--repeats", type=int, default=3, help="how often each point is measured (default: 3)")
    parser.add_argument("--quick", action="store_true", help="so short that the curves only show that it works")
    add_option(parser)
    arguments = parser.parse_args()
    told = facts_if_quiet(arguments)
    with TemporaryDirectory() as directory, ExitStack() as resources:
        repeats, scale = (1, 0.1) if arguments.quick else (arguments.repeats, 1.0)
        curves = asyncio.run(_measured(Run(Servers(Path(directory), resources), repeats, scale)))
    drawn(told, curves).savefig(arguments.out, dpi=110)
    print(f"Drawn: {arguments.out}\nSaved as {written('plot', told, _data(curves))}")


if __name__ == "__main__":
    main()
