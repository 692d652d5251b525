"""Tables as Markdown, rows with their targets, and the machine they come from."""

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

from local_stack import bootstrap


@dataclass(frozen=True)
class Table:
    """The first column is text, the others are numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def lines(self) -> Iterator[str]:
        yield f"### {self.title}"
        yield ""
        widths = [max(len(row[column]) for row in (self.head, *self.rows)) for column in range(len(self.head))]
        yield _line(self.head, widths)
        yield (
            "| "
            + " | ".join(
                "-" * widths[0] if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)
            )
            + " |"
        )
        yield from (_line(row, widths) for row in self.rows)
        yield from ("", self.note) if self.note else ()


@dataclass(frozen=True)
class Target:
    """What a row's value, or its ratio, shall be."""

    limit: float
    of: Literal["value", "ratio"] = "ratio"
    at: Literal["most", "least"] = "most"

    def met(self, row: "Row") -> bool:
        value = row.ratio if self.of == "ratio" else row.value
        if value is None:
            return False
        return value <= self.limit if self.at == "most" else value >= self.limit

    def text(self, unit: str) -> str:
        sign = "≤" if self.at == "most" else "≥"
        return f"{sign} {self.limit:g} ×" if self.of == "ratio" else f"{sign} {self.limit:g} {unit}".rstrip()


@dataclass(frozen=True)
class Row:
    """One thing measured; `ratio` is its value over that of `over`, measured beside it."""

    part: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    over: str = ""
    target: Target | None = None

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} ×"
        target = self.target.text(self.unit) if self.target else ""
        met = "" if self.target is None else "yes" if self.target.met(self) else "NO"
        value = f"{number(self.value)} {self.unit}".rstrip()
        return f"{self.part}: {self.what}", value, ratio, self.over, target, met

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.target.met(self) if self.target else None}


HEAD = ("", "value", "ratio", "over", "target", "met")


def rows_table(title: str, rows: Sequence[Row], note: str = "") -> Table:
    return Table(title, HEAD, [row.cells() for row in rows], note)


def number(value: float) -> str:
    """With three figures, as far as they are after the point."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def facts() -> dict[str, str]:
    """What the numbers come from; the load is that before the run."""
    return {
        "machine": f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "API": _commit(),
        "LiteLLM": _locked("litellm", "litellm"),
        **{name: version(name) for name in ("aiohttp", "uvicorn", "fastapi", "openai")},
        "load": ", ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def facts_line(told: dict[str, str]) -> str:
    return "; ".join(value if name == "machine" else f"{name} {value}" for name, value in told.items())


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=bootstrap.ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = " and changes" if git("status", "--porcelain", "--", "api", "requirements") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _locked(requirements: str, package: str) -> str:
    lines = bootstrap.requirements(requirements).read_text(encoding="utf-8").splitlines()
    found = (line.split("==")[1].split()[0] for line in lines if line.split("==")[0].split("[")[0] == package)
    return next(found, "unknown")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "| " + " | ".join([f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)]) + " |"
