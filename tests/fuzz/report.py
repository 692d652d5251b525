"""The table at the end."""

from collections.abc import Iterator

from tests.bench.report import Table
from tests.fuzz.drive import Tally
from tests.fuzz.findings import Findings
from tests.fuzz.judge import EXPLAINED

_HEAD = (
    "part",
    "inputs",
    "answers",
    "explained 5xx",
    "kinds found",
    "longest wait (s)",
    "memory (MB)",
    "MB a 1000",
    "left open",
    "s",
)


def lines(tallies: list[Tally], findings: Findings) -> Iterator[str]:
    """Counts, what the explained server errors mean, and what was found."""
    yield from Table("Fuzzing", _HEAD, [_row(tally, findings) for tally in tallies]).lines()
    for code in sorted({code for tally in tallies for code in tally.explained}):
        yield f"`{code}`: {EXPLAINED[code]}."
    yield ""
    found = findings.lines()
    yield f"Found, with the smallest input of each kind in {findings.folder}:" if found else "Nothing was found."
    yield from found


def _row(tally: Tally, findings: Findings) -> tuple[str, ...]:
    memory = tally.memory
    return (
        tally.part,
        f"{tally.inputs:,}",
        ", ".join(f"{count:,} {name}" for name, count in sorted(tally.answers.items())) or "–",
        ", ".join(f"{count:,} {code}" for code, count in sorted(tally.explained.items())) or "–",
        str(findings.of(tally.part)),
        "–" if tally.longest is None else f"{tally.longest:.2f}",
        "–" if memory is None else f"{memory.before:.0f} → {memory.after:.0f}",
        "–" if memory is None else f"{memory.slope:+.2f}",
        "–" if tally.sockets is None else str(tally.sockets),
        f"{tally.seconds:.0f}",
    )
