"""Rows of the spend log → sums by group → a table, JSON or CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence

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
    "agent": lambda row: row.agent,
    "parent_agent": lambda row: row.parent_agent,
    "memory_user": lambda row: row.memory_user,
}
TOKENS = ("prompt_tokens", "cache_read_tokens", "completion_tokens", "tokens")
NUMBERS = ("calls", "errors", "cut", *TOKENS, "cost", "p50_ms", "p95_ms")
DOLLAR_DIGITS = 10


@dataclasses.dataclass(frozen=True)
class Sums:
    """One group. ``cut``: its client left; what it had used until then is counted. Cost in dollars, latencies of whole calls.
    What was read from a provider's cache is part of the prompt."""

    calls: int
    errors: int
    cut: int
    prompt_tokens: int
    cache_read_tokens: int
    completion_tokens: int
    cost: float
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, rows: Sequence[SpendRow]) -> Sums:
        milliseconds = [row.milliseconds for row in rows]
        return cls(
            calls=len(rows),
            errors=sum(row.failed for row in rows),
            cut=sum(row.cut for row in rows),
            prompt_tokens=sum(row.prompt_tokens for row in rows),
            cache_read_tokens=sum(row.cache_read_tokens for row in rows),
            completion_tokens=sum(row.completion_tokens for row in rows),
            cost=math.fsum(row.cost for row in rows),
            p50_ms=percentile(milliseconds, 50),
            p95_ms=percentile(milliseconds, 95),
        )

    def numbers(self) -> dict[str, float | int]:
        tokens = self.prompt_tokens + self.completion_tokens
        latencies = {"p50_ms": self.p50_ms, "p95_ms": self.p95_ms}
        counts = {"calls": self.calls, "errors": self.errors, "cut": self.cut}
        counted = (self.prompt_tokens, self.cache_read_tokens, self.completion_tokens, tokens)
        used = dict(zip(TOKENS, counted, strict=True))
        return {**counts, **used, "cost": round(self.cost, DOLLAR_DIGITS), **latencies}


Key = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """Groups with their sums, the dearest first, and the sum of all."""

    dimensions: Sequence[str]
    groups: Sequence[tuple[Key, Sums]]
    total: Sums


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that really was measured; 0 for none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def summed(rows: Sequence[SpendRow], dimensions: Sequence[str]) -> Report:
    groups: dict[Key, list[SpendRow]] = {}
    for row in rows:
        groups.setdefault(tuple(DIMENSIONS[name](row) for name in dimensions), []).append(row)
    return Report(dimensions, in_order({key: Sums.of(own) for key, own in groups.items()}), Sums.of(rows))


def in_order(groups: Mapping[Key, Sums]) -> list[tuple[Key, Sums]]:
    """The dearest first, then the largest."""
    return sorted(groups.items(), key=lambda item: (-item[1].cost, -item[1].calls, item[0]))


def as_json(report: Report) -> str:
    groups = [{**dict(zip(report.dimensions, key, strict=True)), **sums.numbers()} for key, sums in report.groups]
    return json.dumps({"groups": groups, "total": report.total.numbers()}, indent=2, ensure_ascii=False)


def as_csv(report: Report) -> str:
    """The groups alone: whoever reads it can sum them."""
    return separated(report.dimensions, report.groups)


def separated(names: Sequence[str], groups: Sequence[tuple[Key, Sums]]) -> str:
    """A line a group, with the names' cells first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *NUMBERS])
    writer.writerows([*map(_plain, key), *sums.numbers().values()] for key, sums in groups)
    return text.getvalue().rstrip("\n")


def as_table(report: Report) -> str:
    return laid_out(report.dimensions, report.groups, report.total)


def laid_out(names: Sequence[str], groups: Sequence[tuple[Key, Sums]], total: Sums) -> str:
    """Columns with the names' cells to the left, and the total below."""
    header = [*names, *NUMBERS]
    lines = [[*key, *_shown(sums)] for key, sums in groups]
    last = ["total", *[""] * (len(names) - 1), *_shown(total)]
    widths = [max(len(line[column]) for line in (header, *lines, last)) for column in range(len(header))]
    rule = "  ".join("-" * width for width in widths)
    first, *shown, last_line = (_line(line, widths, len(names)) for line in (header, *lines, last))
    return "\n".join([first, rule, *shown, rule, last_line])


def _line(cells: Sequence[str], widths: Sequence[int], names: int) -> str:
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
