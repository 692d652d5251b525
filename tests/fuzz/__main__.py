"""Inputs that nobody would think of, in numbers, against the running API. The exit status is 1 if anything was found."""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property

from local_stack import bootstrap
from tests.fuzz import bodies, description, parsers, report, sockets
from tests.fuzz.drive import Bounds, Tally
from tests.fuzz.findings import Findings
from tests.fuzz.surroundings import api_before_litellm, api_before_the_provider
from tests.support.api import RunningAPI

PARTS = ("socket", "bodies", "parsers", "description")
# Of the inputs of `socket` and `bodies`: LiteLLM takes some forty a second, and each property and operation has its own.
THROUGH_LITELLM, PROPERTY, OPERATION = 50, 20, 1000


def parts(text: str) -> list[str]:
    """The named parts in their order."""
    named = text.split(",")
    if unknown := [name for name in named if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PARTS)}")
    return [name for name in PARTS if name in named]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--inputs", type=int, default=20_000, help="of socket and of bodies each (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=None, help="the same inputs again (default: another each time)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input, to make one again")
    parser.add_argument("--only", type=parts, default=list(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--no-stack", action="store_true", help="leave out what needs LiteLLM")
    parser.add_argument("--patience", type=float, default=Bounds.patience, help="seconds (default: %(default)s)")
    return parser


class Fuzzing:
    """The parts, and the APIs that they are run against, each started when the first part needs it."""

    def __init__(self, options: argparse.Namespace, findings: Findings, resources: ExitStack) -> None:
        self._options, self._findings, self._resources = options, findings, resources
        self._bounds = Bounds(patience=options.patience)
        self._numbers = range(options.first, options.first + options.inputs)
        # The logs lie beside the findings, to be looked at; a run that found nothing leaves none.
        self._directory = findings.folder.with_suffix(".logs")
        self._directory.mkdir(parents=True)

    def run(self) -> Iterator[Tally]:
        for part in self._options.only:
            print(f"{part} ...", file=sys.stderr, flush=True)
            yield from getattr(self, part)()

    def socket(self) -> Iterator[Tally]:
        yield sockets.run(self._near, self._findings, self._bounds, seed=self._seed, numbers=self._numbers)

    def bodies(self) -> Iterator[Tally]:
        yield bodies.run(self._near, self._findings, self._bounds, seed=self._seed, numbers=self._numbers)
        if not self._options.no_stack:
            some = self._numbers[: max(1, len(self._numbers) // THROUGH_LITELLM)]
            bounds = Bounds(patience=self._bounds.patience, width=4)
            part = bodies.THROUGH_LITELLM
            yield bodies.run(self._far, self._findings, bounds, seed=self._seed, numbers=some, part=part)

    def parsers(self) -> Iterator[Tally]:
        yield parsers.run(self._findings, seed=self._seed, examples=max(10, self._options.inputs // PROPERTY))

    def description(self) -> Iterator[Tally]:
        if not self._options.no_stack:
            examples = max(3, self._options.inputs // OPERATION)
            yield description.run(self._far, self._findings, self._directory, seed=self._seed, examples=examples)

    @property
    def _seed(self) -> int:
        return int(self._options.seed)

    @cached_property
    def _near(self) -> RunningAPI:
        return self._resources.enter_context(api_before_the_provider(self._directory))

    @cached_property
    def _far(self) -> RunningAPI:
        return self._resources.enter_context(api_before_litellm(self._directory))


def main() -> int:
    options = parser().parse_args()
    options.seed = int(time.time()) if options.seed is None else options.seed
    print(f"Seed {options.seed}", file=sys.stderr, flush=True)
    findings = Findings(bootstrap.state_root() / "fuzz" / f"{time.strftime('%Y%m%d-%H%M%S')}-{options.seed}")
    with ExitStack() as resources:
        tallies = list(Fuzzing(options, findings, resources).run())
    print("\n".join(report.lines(tallies, findings)))
    if not findings.counts:
        shutil.rmtree(findings.folder.with_suffix(".logs"))
    return 1 if findings.counts else 0


if __name__ == "__main__":
    sys.exit(main())
