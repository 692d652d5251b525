"""The table of docs/contract.md: what generated answers lose, gain and change in LiteLLM alone. `make contract_table` writes it."""

import os
import re
from pathlib import Path
from typing import Any

from hypothesis import given

from tests.integration_tests.contract.answers import ANSWER, streams
from tests.integration_tests.contract.differences import ALLOWED_PLAIN, ALLOWED_STREAMED, differences
from tests.integration_tests.contract.test_equality import BOUNDED
from tests.integration_tests.contract.wire import Wire, chunks
from tests.support.processes import ROOT

DOCUMENT = ROOT / "docs" / "contract.md"
BETWEEN = re.compile(r"(?<=<!-- table: begin -->\n).*(?=<!-- table: end -->)", re.DOTALL)

Found = set[tuple[str, str]]


def _plain(litellm: Wire) -> Found:
    found: Found = set()

    @BOUNDED
    @given(answer=ANSWER)
    def collect(answer: dict[str, Any]) -> None:
        got = litellm.ask({"raw_body": answer}).raise_for_status().json()
        found.update((one.path, one.kind) for one in differences(answer, got))

    collect()
    return found


def _streamed(litellm: Wire) -> Found:
    found: Found = set()

    @BOUNDED
    @given(stream=streams())
    def collect(stream: list[dict[str, Any]]) -> None:
        reply = {"raw_chunks": [*stream, "[DONE]"]}
        got = chunks(litellm.ask(reply, stream=True, stream_options={"include_usage": True}))
        for one, other in zip(stream, got, strict=True):
            found.update((difference.path, difference.kind) for difference in differences(one, other))

    collect()
    return found


def _table(plain: Found, streamed: Found) -> str:
    rows = ["| field | what LiteLLM does to it | in | through the API |", "| --- | --- | --- | --- |"]
    for path, kind in sorted(plain | streamed):
        where = [name for name, found in (("plain", plain), ("streamed", streamed)) if (path, kind) in found]
        left = {"plain": ALLOWED_PLAIN, "streamed": ALLOWED_STREAMED}
        same = [name for name in where if (path, kind) in left[name]]
        through = "as LiteLLM has it" if same else "as the provider sent it"
        rows.append(f"| `{path}` | {kind} | {', '.join(where)} | {through} |")
    return "\n".join(rows) + "\n"


def _written(document: Path, table: str) -> None:
    if os.environ.get("WRITE_CONTRACT_TABLE"):
        document.write_text(BETWEEN.sub(lambda _: table, document.read_text()))


def test_the_table_says_what_litellm_alone_does_to_answers(litellm: Wire) -> None:
    table = _table(_plain(litellm), _streamed(litellm))
    _written(DOCUMENT, table)
    documented = BETWEEN.search(DOCUMENT.read_text())
    assert documented is not None
    assert documented[0] == table, "run `make contract_table`"
