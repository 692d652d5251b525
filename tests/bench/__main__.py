"""What the API costs beside a raw relay, a plain use of the SDK and LiteLLM, measured in turn in one run."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import litellm, messages, plain, reasoning, side_by_side, stalls, start, streams, workers
from tests.bench.quiet import add_option, facts_if_quiet
from tests.bench.report import Row, facts_line, rows_table
from tests.bench.results import saved
from tests.bench.run import Run
from tests.bench.servers import Servers

Part = Callable[[Run], Awaitable[list[Row]]]
PARTS: Mapping[str, Part] = {
    "plain": plain.measure,
    "stream": streams.measure,
    "messages": messages.measure,
    "stalls": stalls.measure,
    "workers": workers.measure,
    "start": start.measure,
    "parallel": side_by_side.measure,
    "reasoning": reasoning.measure,
    "litellm": litellm.measure,
}
REPEATS, QUICK_REPEATS, QUICK_SCALE = 5, 2, 0.15


def _parts(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return names


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_parts, metavar="PART[,PART...]", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--repeats", type=int, help=f"how often each is measured in turn (default: {REPEATS})")
    parser.add_argument("--quick", action="store_true", help="so short that the numbers only show that it works")
    add_option(parser)
    return parser


async def measured(run: Run, parts: list[str]) -> list[Row]:
    """A part that fails takes no other's numbers with it."""
    rows: list[Row] = []
    for part in parts:
        run.say(f"{part} ...")
        try:
            rows += await PARTS[part](run)
        except Exception as error:  # noqa: BLE001 - told in the report
            run.notes.append(f"{part} could not be measured: {type(error).__name__}: {error}")
    return rows


def main() -> int:
    arguments = parser().parse_args()
    told = facts_if_quiet(arguments)
    with TemporaryDirectory() as directory, ExitStack() as resources:
        quick = arguments.quick
        repeats = arguments.repeats or (QUICK_REPEATS if quick else REPEATS)
        run = Run(Servers(Path(directory), resources), repeats, QUICK_SCALE if quick else 1.0)
        rows = asyncio.run(measured(run, arguments.only or list(PARTS)))
    print(facts_line(told))
    print("\n".join(["", *rows_table("What the API costs", rows, "\n".join(run.notes)).lines()]))
    print(f"\nSaved as {saved(told, rows)}")
    return 1 if any("could not be measured" in note for note in run.notes) else 0


if __name__ == "__main__":
    sys.exit(main())
