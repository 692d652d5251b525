"""Results as files, and two of them side by side: `make bench-compare ARGS="BEFORE.json AFTER.json"`."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_stack import bootstrap
from tests.bench.report import Row, Table, number

FOLDER = bootstrap.state_root() / "bench"


def saved(facts: dict[str, str], rows: list[Row], kind: str = "bench") -> Path:
    """Where they now lie."""
    return written(kind, facts, {"rows": [row.data() for row in rows]})


def written(kind: str, facts: dict[str, str], content: dict[str, Any]) -> Path:
    """The file; of a kind, the newest sorts last."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{facts['API'].split()[0]}.json"
    file.write_text(json.dumps({"facts": facts, **content}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def compared(before: dict[str, Any], after: dict[str, Any]) -> Table:
    """Every row of either; what both have, with the change of its value."""
    first, second = _by_name(before), _by_name(after)
    rows = [(name, *_cells(first.get(name), second.get(name))) for name in dict.fromkeys([*first, *second])]
    title = f"{before['facts']['API']} → {after['facts']['API']}"
    return Table(title, ("", "before", "after", "change", "ratio before", "after", "target met"), rows)


def _by_name(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{row['part']}: {row['what']}": row for row in results["rows"]}


def _cells(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Iterator[str]:
    values = [row["value"] if row else None for row in (before, after)]
    unit = (before or after or {})["unit"]
    yield from ("–" if value is None else f"{number(value)} {unit}".rstrip() for value in values)
    yield f"{after['value'] / before['value'] - 1:+.0%}" if before and after and before["value"] else ""
    for row in (before, after):
        yield f"{row['ratio']:.2f} ×" if row and row["ratio"] is not None else ""
    yield " → ".join({True: "yes", False: "NO", None: "–"}[row["met"] if row else None] for row in (before, after))


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit('error: two files are compared: make bench-compare ARGS="BEFORE.json AFTER.json"')
    try:
        before, after = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(compared(before, after).lines()))


if __name__ == "__main__":
    main()
