"""The table of docs/contract.md: what generated answers lose, gain and change in LiteLLM alone. `make contract_table` writes it."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, seed, settings

from tests.integration_tests.contract.answers import ANSWER, Streamed, streams
from tests.integration_tests.contract.differences import (
    ALLOWED_PLAIN,
    DROPPED,
    Difference,
    Documented,
    allowed_of_chunk,
    differences,
    dropped_fields,
    handed_on,
)
from tests.integration_tests.contract.test_equality import BOUNDED
from tests.integration_tests.contract.wire import Wire, chunks
from tests.support.processes import ROOT

DOCUMENT = ROOT / "docs" / "contract.md"
BETWEEN = re.compile(r"(?<=<!-- table: begin -->\n).*(?=<!-- table: end -->)", re.DOTALL)


MANY = settings(BOUNDED, max_examples=300)
# Which examples a batch has depends on the modules that are loaded: what one misses, another finds.
MOST_BATCHES = 5


@dataclass
class Found:
    """Each difference by path and kind, and those that stay through our API, `left`."""

    all: set[tuple[str, str]] = field(default_factory=set)
    left: set[tuple[str, str]] = field(default_factory=set)

    def add(self, found: Iterable[Difference], allowed: Documented) -> None:
        kinds = {(one.path, one.kind) for one in found}
        self.all |= kinds
        self.left |= kinds & allowed

    def through(self, difference: tuple[str, str]) -> str | None:
        """What becomes of it in our API; None if it was not found."""
        if difference not in self.all:
            return None
        return "as LiteLLM has it" if difference in self.left else "as the provider sent it"


def _add_plain(found: Found, litellm: Wire, batch: int) -> None:
    @seed(batch)
    @MANY
    @given(answer=ANSWER)
    def collect(answer: dict[str, Any]) -> None:
        got = litellm.ask({"raw_body": answer}).raise_for_status().json()
        found.add(differences(answer, got), ALLOWED_PLAIN)

    collect()


def _add_streamed(found: Found, litellm: Wire, batch: int) -> None:
    @seed(batch)
    @MANY
    @given(stream=streams())
    def collect(stream: Streamed) -> None:
        kept, dropped = handed_on(stream.chunks)
        for sent, got in zip(kept, chunks(litellm.ask_for(stream)), strict=True):
            found.add(differences(sent, got), allowed_of_chunk(sent))
        for chunk in dropped:
            found.add(dropped_fields(chunk), DROPPED)

    collect()


def _table(plain: Found, streamed: Found) -> str:
    rows = ["| field | what LiteLLM does to it | in | through the API |", "| --- | --- | --- | --- |"]
    places = {"plain": plain, "streamed": streamed}
    for path, kind in sorted(plain.all | streamed.all):
        for through in ("as the provider sent it", "as LiteLLM has it"):
            where = [name for name, found in places.items() if found.through((path, kind)) == through]
            if where:
                rows.append(f"| `{path}` | {kind} | {', '.join(where)} | {through} |")
    return "\n".join(rows) + "\n"


def _claims(table: str) -> set[tuple[str, ...]]:
    """Field, what happens to it, where, and what our API makes of it; a row is one claim for each place."""
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table.splitlines()[2:]]
    return {(path, kind, place, through) for path, kind, places, through in cells for place in places.split(", ")}


def _written(document: Path, table: str) -> None:
    if os.environ.get("WRITE_CONTRACT_TABLE"):
        document.write_text(BETWEEN.sub(lambda _: table, document.read_text()))


def test_the_table_says_what_litellm_alone_does_to_answers(litellm: Wire) -> None:
    documented = BETWEEN.search(DOCUMENT.read_text())
    assert documented is not None
    plain, streamed, rows = Found(), Found(), _claims(documented[0])
    for batch in range(MOST_BATCHES):
        _add_plain(plain, litellm, batch)
        _add_streamed(streamed, litellm, batch)
        found = _claims(_table(plain, streamed))
        if _is_told_whole(rows, found):
            break
    _written(DOCUMENT, _table(plain, streamed))
    assert found - rows == set(), "run `make contract_table`"
    assert len(rows - found) <= len(rows) / 10, "run `make contract_table`"


def _is_told_whole(rows: set[tuple[str, ...]], found: set[tuple[str, ...]]) -> bool:
    """A rare row may be missed, but none may be new; whoever writes the table wants all that can be found."""
    return len(rows - found) <= len(rows) / 10 and not os.environ.get("WRITE_CONTRACT_TABLE")
