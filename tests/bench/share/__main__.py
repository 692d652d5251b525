"""What a change of how LiteLLM is started gains: with it and without it side by side, asked in turn, one change at a time."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack import bootstrap
from local_stack.instance import Instance
from tests.bench.litellm import ANSWER
from tests.bench.quiet import add_option, facts_if_quiet
from tests.bench.report import Row, Table, facts_line, number
from tests.bench.results import saved
from tests.bench.share.changes import CHANGES
from tests.bench.share.measure import QUESTION, Measured, measured
from tests.bench.share.sides import both_sides
from tests.support.own_stack import running_stack as stack_that_runs
from tests.support.stack import running_stack
from tests.support.stack_client import StackClient

PART = "share"
CALLS, QUICK_CALLS = 400, 20
UNITS = {"p50": "ms", "mean": "ms", "p99": "ms", "CPU": "ms", "memory": "MB"}
HEAD = ("", "p50", "mean", "p99", "CPU a call", "memory", "p50, before → after", "p99, before → after")


def _changes(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CHANGES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no change {unknown[0]!r}; there are: {', '.join(CHANGES)}")
    return names


def parser() -> argparse.ArgumentParser:
    told = "\n".join(f"  {name:20} {change.what}" for name, change in CHANGES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.share", description=f"{__doc__}\n\nChanges:\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--only", type=_changes, metavar="CHANGE[,CHANGE...]", help="(default: all)")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"of each side (default: {CALLS})")
    parser.add_argument("--width", type=int, default=1, metavar="N", help="calls at a time (default: 1)")
    parser.add_argument("--chain", action="store_true", help="through an API before each LiteLLM: the whole chain")
    parser.add_argument("--quick", action="store_true", help="so short that the numbers only show that it works")
    parser.add_argument(
        "--state-dir", metavar="DIR", help="a stack that runs with --scripted (default: one of its own)"
    )
    add_option(parser)
    return parser


@contextmanager
def _stack(state_dir: str | None) -> Iterator[Instance]:
    if state_dir:
        yield stack_that_runs(state_dir)
        return
    with running_stack("--scripted") as stack:
        yield stack


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def one(stack: Instance, name: str, arguments: argparse.Namespace) -> tuple[Measured, Measured]:
    """The change's two sides, started for it and ended."""
    calls = QUICK_CALLS if arguments.quick else arguments.calls
    chain = arguments.chain
    with TemporaryDirectory() as folder, both_sides(stack, CHANGES[name], Path(folder), chain=chain) as sides:
        before, after = asyncio.run(measured(sides, calls, width=arguments.width, chain=chain))
    return before, after


def cells(name: str, before: Measured, after: Measured) -> tuple[str, ...]:
    old, new = before.figures(), after.figures()
    ratios = (f"{new[what] / old[what]:.2f} ×" for what in UNITS)
    return (CHANGES[name].what, *ratios, *(f"{number(old[what])} → {number(new[what])} ms" for what in ("p50", "p99")))


def rows(name: str, before: Measured, after: Measured) -> list[Row]:
    old, new = before.figures(), after.figures()
    return [
        Row(PART, f"{name}: {what}", new[what], unit, new[what] / old[what], "before") for what, unit in UNITS.items()
    ]


def main() -> int:
    arguments = parser().parse_args()
    told = facts_if_quiet(arguments) | {"services' Python": bootstrap.python_for("litellm").version}
    found: dict[str, tuple[Measured, Measured]] = {}
    failed: list[str] = []
    _say("starting a stack")
    with _stack(arguments.state_dir) as stack:
        StackClient.of(stack).provider.script(ANSWER, contains=QUESTION, repeat_last=True)
        for name in arguments.only or list(CHANGES):
            _say(f"{name}: {CHANGES[name].what}")
            try:
                found[name] = one(stack, name, arguments)
                _say(
                    ", ".join(
                        f"{what} {text}" for what, text in zip(HEAD[1:], cells(name, *found[name])[1:], strict=True)
                    )
                )
            except Exception as error:  # noqa: BLE001 - told in the report; it takes no other's numbers with it
                failed.append(f"{name} could not be measured: {type(error).__name__}: {error}")
                _say(failed[-1])
    where = "the whole chain" if arguments.chain else "LiteLLM alone"
    calls = QUICK_CALLS if arguments.quick else arguments.calls
    title = f"{where}, {calls} calls of each side in turn, {arguments.width} at a time"
    table = Table(title, HEAD, [cells(name, *pair) for name, pair in found.items()], "\n".join(failed))
    print("\n".join([facts_line(told), "", *table.lines()]))
    print(f"\nSaved as {saved(told, [row for name, pair in found.items() for row in rows(name, *pair)], PART)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
