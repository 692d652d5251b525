"""Tables as Markdown, and the machine they come from."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


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


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "| " + " | ".join([f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)]) + " |"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def us(seconds: float) -> str:
    return f"{seconds * 1_000_000:.0f}"


def ratio(part: float, whole: float) -> str:
    """A share in percent; a dash where there is nothing to be a share of."""
    return f"{part / whole:.0%}" if whole > 0 else "–"


def machine() -> str:
    """One line of facts; the load is that of the last minute, the benchmark's own included."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}, {python}; load {load}"
