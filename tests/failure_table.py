"""The tables of docs/failures.md, from a real run: `python -m tests.failure_table`, or `make failure_table`."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

from tests.support.failures import ClassifierFailure, Failure, Told, classifier_failures, failures
from tests.support.stack import existing_stack, running_stack
from tests.support.stack_client import StackClient

HEAD = ("what is wrong", "status", "code", "message", "after", "`/health/ready`", "afterwards")
CLASSIFIER_HEAD = ("the classifier", "cause", "status", "`X-Routing-Decision`", "`X-Routing-Source`", "after")


T = TypeVar("T", Failure, ClassifierFailure)


def table(rows: Iterable[Failure]) -> Iterator[str]:
    """Markdown lines. A streamed call is told the same as a plain one, unless the table says otherwise."""
    yield from _head(HEAD)
    for row in rows:
        assert row.plain.outcome == row.streamed.outcome, row
        told = row.plain
        code, message = f"`{told.code}`" if told.code else "", told.message or "(an answer)"
        cells = [row.situation, str(told.status), code, message, f"{told.seconds:.1f} s", _ready(row.ready)]
        yield f"| {' | '.join([*cells, _afterwards(row)])} |"


def classifier_table(rows: Iterable[ClassifierFailure]) -> Iterator[str]:
    """The same for what the classifier does."""
    yield from _head(CLASSIFIER_HEAD)
    for row in rows:
        told = row.plain
        assert (told.status, told.source) == (row.streamed.status, row.streamed.source), row
        answered = [str(told.status), f"`{told.decision}`", f"`{told.source}`", f"{told.seconds:.1f} s"]
        yield f"| {' | '.join([row.situation, told.cause, *answered])} |"


def _head(titles: tuple[str, ...]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"


def _ready(told: Told) -> str:
    return "200" if told.status == 200 else f"{told.status}, {told.message.partition(':')[0]}"


def _afterwards(row: Failure) -> str:
    return "" if row.restored is None else f"works {row.restored:.1f} s after it is well again"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.failure_table", description=__doc__)
    parser.add_argument(
        "--state-dir", type=Path, help="a running stack, started with --scripted, whose services may be stopped"
    )
    parser.add_argument(
        "--only", choices=("services", "classifier"), help="one of the two tables; `classifier` stops no service"
    )
    arguments = parser.parse_args(words)
    running = nullcontext(existing_stack(arguments.state_dir)) if arguments.state_dir else running_stack("--scripted")
    with running as stack:
        for line in _lines(StackClient.of(stack), arguments.only):
            print(line, flush=True)


def _lines(client: StackClient, only: str | None) -> Iterator[str]:
    if only != "classifier":
        yield from table(_told(failures(client)))
    if only is None:
        yield ""
    if only != "services":
        yield from classifier_table(_told(classifier_failures(client)))


def _told(rows: Iterable[T]) -> Iterator[T]:
    for row in rows:
        print(f"... {row.situation}: {row.plain.status}", file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    main()
