"""Rows of the spend log → sums by group → a table, JSON or CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from operations.spend_rows import SpendRow

DIMENSIONS: Mapping[str, Callable[[SpendRow], str]] = {
    "component": lambda row: row.component,
    "environment": lambda row: row.environment,
    "model": lambda row: row.model,
    "operation": lambda row: row.operation,
    "session": lambda row: row.session,
    "key": lambda row: row.key,
    "end_user": lambda row: row.end_user,
    "caller": lambda row: row.caller,
}
NUMBERS = ("calls", "errors", "cut", "prompt_tokens", "completion_tokens", "tokens", "cost", "p50_ms", "p95_ms")
DOLLAR_DIGITS = 10


@dataclasses.dataclass
class Sums:
    """One group. ``cut``: its client left; what it had used until then is counted. Cost in dollars, latencies of whole calls."""

    calls: int = 0
    errors: int = 0
    cut: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    costs: list[float] = dataclasses.field(default_factory=list)
    milliseconds: list[float] = dataclasses.field(default_factory=list)

    def add(self, row: SpendRow) -> None:
        self.calls += 1
        self.errors += row.failed
        self.cut += row.cut
        self.prompt_tokens += row.prompt_tokens
        self.completion_tokens += row.completion_tokens
        self.costs.append(row.cost)
        self.milliseconds.append(row.milliseconds)

    def numbers(self) -> dict[str, float | int]:
        tokens = self.prompt_tokens + self.completion_tokens
        latencies = {"p50_ms": percentile(self.milliseconds, 50), "p95_ms": percentile(self.milliseconds, 95)}
        counts = {"calls": self.calls, "errors": self.errors, "cut": self.cut}
        used = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens, "tokens": tokens}
        return {**counts, **used, "cost": round(math.fsum(self.costs), DOLLAR_DIGITS), **latencies}


@dataclasses.dataclass(frozen=True)
class Report:
    """Groups with their sums, the dearest first, and the sum of all."""

    dimensions: Sequence[str]
    groups: Sequence[tuple[tuple[str, ...], Sums]]
    total: Sums


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that really was measured; 0 for none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def summed(rows: Iterable[SpendRow], dimensions: Sequence[str]) -> Report:
    groups: dict[tuple[str, ...], Sums] = {}
    total = Sums()
    for row in rows:
        key = tuple(DIMENSIONS[name](row) for name in dimensions)
        groups.setdefault(key, Sums()).add(row)
        total.add(row)
    ordered = sorted(groups.items(), key=lambda item: (-math.fsum(item[1].costs), -item[1].calls, item[0]))
    return Report(dimensions, ordered, total)


def as_json(report: Report) -> str:
    groups = [{**dict(zip(report.dimensions, key, strict=True)), **sums.numbers()} for key, sums in report.groups]
    return json.dumps({"groups": groups, "total": report.total.numbers()}, indent=2, ensure_ascii=False)


def as_csv(report: Report) -> str:
    """The groups alone: whoever reads it can sum them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*report.dimensions, *NUMBERS])
    writer.writerows([*map(_plain, key), *sums.numbers().values()] for key, sums in report.groups)
    return text.getvalue().rstrip("\n")


def as_table(report: Report) -> str:
    header = [*report.dimensions, *NUMBERS]
    lines = [[*key, *_shown(sums)] for key, sums in report.groups]
    total = ["total", *[""] * (len(report.dimensions) - 1), *_shown(report.total)]
    widths = [max(len(line[column]) for line in (header, *lines, total)) for column in range(len(header))]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([_line(header, widths, report), rule, *(_line(line, widths, report) for line in lines), rule,
                      _line(total, widths, report)])  # fmt: skip


def _line(cells: Sequence[str], widths: Sequence[int], report: Report) -> str:
    names = len(report.dimensions)
    padded = [
        cell.ljust(width) if column < names else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _shown(sums: Sums) -> list[str]:
    return [
        f"${value:.6f}" if name == "cost" else f"{value:,.0f}" for name, value in sums.numbers().items()
    ]  # fmt: skip


def _plain(cell: str) -> str:
    """A spreadsheet would run a cell that starts like a formula; sessions are named by callers."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


FORMATS: Mapping[str, Callable[[Report], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
