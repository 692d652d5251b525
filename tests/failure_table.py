"""The table of docs/failures.md, from a real run: `python -m tests.failure_table`, or `make failure_table`."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

from tests.support.failures import Failure, Told, failures
from tests.support.stack import existing_stack, running_stack
from tests.support.stack_client import StackClient

HEAD = ("what is wrong", "status", "code", "message", "after", "`/health/ready`", "afterwards")


def table(rows: Iterable[Failure]) -> Iterator[str]:
    """Markdown lines. A streamed call is told the same as a plain one, unless the table says otherwise."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{' --- |' * len(HEAD)}"
    for row in rows:
        assert row.plain.outcome == row.streamed.outcome, row
        told = row.plain
        code, message = f"`{told.code}`" if told.code else "", told.message or "(an answer)"
        cells = [row.situation, str(told.status), code, message, f"{told.seconds:.1f} s", _ready(row.ready)]
        yield f"| {' | '.join([*cells, _afterwards(row)])} |"


def _ready(told: Told) -> str:
    return "200" if told.status == 200 else f"{told.status}, {told.message.partition(':')[0]}"


def _afterwards(row: Failure) -> str:
    return "" if row.restored is None else f"works {row.restored:.1f} s after it is well again"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.failure_table", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, help="a running stack, started with --scripted, whose services may be stopped"
    )
    arguments = parser.parse_args(words)
    running = nullcontext(existing_stack(arguments.state_dir)) if arguments.state_dir else running_stack()
    with running as stack:
        for line in table(_told(failures(StackClient.of(stack)))):
            print(line, flush=True)


def _told(rows: Iterable[Failure]) -> Iterator[Failure]:
    for row in rows:
        print(f"... {row.situation}: {row.plain.status}", file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    main()
