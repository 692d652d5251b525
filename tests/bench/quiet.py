"""Is the machine quiet enough for numbers? What others do on it lands in every one of them."""

import argparse
import sys

import psutil

from tests.bench.report import facts

WATCHED = 2.0  # seconds
BUSY = 15.0  # percent of all CPUs


def busy(seconds: float = WATCHED) -> str | None:
    """What is wrong, in words, if others are at work; looked at now, as the load average still counts what ended."""
    share = psutil.cpu_percent(interval=seconds)
    if share <= BUSY:
        return None
    return f"Others use {share:.0f} % of this machine's {psutil.cpu_count()} CPUs: its numbers would be theirs too."


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--anyway", action="store_true", help="measure although others use the machine")


def facts_if_quiet(arguments: argparse.Namespace) -> dict[str, str]:
    """What the numbers come from, others at work included; ends the program if they are and nobody wants them anyway."""
    disturbed = busy()
    if disturbed and not arguments.anyway:
        sys.exit(f"error: {disturbed} Wait until it is quiet, or measure all the same: --anyway")
    return facts() | ({"disturbed": disturbed} if disturbed else {})
