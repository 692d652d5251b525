"""What was used and what it cost, from LiteLLM's own spend log: calls, errors, tokens, dollars, latency."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_stack import console
from local_stack.command_line import Parser
from operations import command_line, keys, spend_rows, usage_tree
from operations.command_line import Target, UsageError
from operations.litellm_admin import LiteLLMAdmin
from operations.spend_rows import Charge, SpendRow, UnreadableError
from operations.usage_report import DIMENSIONS, FORMATS, Report, summed
from operations.usage_tree import Tree, treed

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def point_in_time(text: str) -> datetime:
    """``24h`` ago, or an ISO date or time, taken as UTC where it names no zone. For argparse."""
    try:
        if ago := re.fullmatch(r"([0-9]+)([mhdw])", text):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text} is before the year 1") from None
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 30m, 24h, 7d or 2w for so long ago, or 2026-11-25 or 2026-11-25T14:30 in UTC"
        ) from None


def dimensions(text: str) -> list[str]:
    """For argparse."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in DIMENSIONS]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, unknown))}: choose from {', '.join(DIMENSIONS)}")
    return list(dict.fromkeys(names))


def picture(text: str) -> Path:
    """For argparse."""
    file = Path(text)
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text}: its name must end with .png")
    if file.is_dir() or not file.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text}: " + ("it is a folder" if file.is_dir() else "there is no such folder")
        )
    return file


def parser() -> argparse.ArgumentParser:
    result = Parser(
        prog="python -m operations.usage",
        description=__doc__,
        epilog="LiteLLM writes its log some seconds after a call. Tokens are those that were used: a call that failed before it "
        "used any counts none. The settings are read from the environment, then from the .env file. Where LiteLLM's database "
        "cannot be reached on this machine, its API is read, which takes a second for some hundred calls.",
    )
    result.add_argument(
        "--since", type=point_in_time, default="24h", metavar="TIME", help="30m, 24h, 7d, 2w, or an ISO date or time in UTC"
    )  # fmt: skip
    result.add_argument("--until", type=point_in_time, metavar="TIME", help="likewise (default: now)")
    result.add_argument(
        "--by", type=dimensions, default="component", metavar="NAMES",
        help=f"what to group by, separated by commas: {', '.join(DIMENSIONS)} (default: component); session,agent is a tree",
    )  # fmt: skip
    result.add_argument("--format", choices=tuple(FORMATS), default="table")
    result.add_argument("--plot", type=picture, metavar="FILE.png", help="also draw cost over time by component")
    result.add_argument("--litellm-url", metavar="URL", help="default: the stack's LiteLLM, http://127.0.0.1:4000")
    command_line.add_stack_options(
        result, holds="LITELLM_MASTER_KEY, LITELLM_PORT, LITELLM_POSTGRES_PASSWORD and LITELLM_POSTGRES_PORT"
    )
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raises one of command_line.EXPECTED."""
    until = options.until or datetime.now(UTC)
    if options.since >= until:
        raise UsageError(
            f"--since {options.since:%Y-%m-%d %H:%M:%S} is not before --until {until:%Y-%m-%d %H:%M:%S} (UTC)"
        )
    target = command_line.target(options, environment)
    key = keys.checked_master_key(target.values, target.file)
    with (
        console.progress("Reading the spend log") as tell,
        LiteLLMAdmin(keys.litellm_url(options, target), key) as admin,
    ):
        report, charges = read(admin, target, options, until, tell)
    print(usage_tree.FORMATS[options.format](report) if isinstance(report, Tree) else FORMATS[options.format](report))
    if options.plot:
        _plot(charges, options.since, until, options.plot)


def read(
    admin: LiteLLMAdmin, target: Target, options: argparse.Namespace, until: datetime, tell: Callable[[str], None]
) -> tuple[Report | Tree, Sequence[Charge]]:
    """The report and, for a plot alone, the charges it is drawn from: from the database, or else over LiteLLM's API.

    Raises LiteLLMError, UsageError.
    """
    newest = admin.newest_spend_log(options.since, until)
    if newest is None:
        return _summed([], options.by), []
    try:
        return _from_database(target, newest, options, until)
    except (ImportError, UnreadableError) as error:
        why = f"LiteLLM's database cannot be read: {error}"
        rows = list(
            spend_rows.read(admin, options.since, until, lambda count: tell(f"Read {count:,} calls so far; {why}"))
        )
        return _summed(rows, options.by), rows


def _from_database(
    target: Target, newest: str, options: argparse.Namespace, until: datetime
) -> tuple[Report | Tree, Sequence[Charge]]:
    """Raises UnreadableError, ImportError, UsageError."""
    # Here, because nothing else needs the driver, and only `make usage` installs it.
    from operations import spend_database

    password = target.values.get("LITELLM_POSTGRES_PASSWORD", "").strip()
    with spend_database.opened(target.port("postgres"), password, options.since, until) as database:
        database.check_holds(newest)
        report = database.tree() if _is_tree(options.by) else database.summed(options.by)
        return report, database.charges() if options.plot else []


def _summed(rows: Sequence[SpendRow], by: Sequence[str]) -> Report | Tree:
    return treed(rows) if _is_tree(by) else summed(rows, by)


def _is_tree(by: Sequence[str]) -> bool:
    return set(by) == {"session", "agent"}


def _plot(charges: Sequence[Charge], since: datetime, until: datetime, file: Path) -> None:
    try:
        # Here, because nothing else needs it, and it takes a second to load.
        from operations.usage_plot import draw
    except ImportError as error:
        raise UsageError(f"--plot needs matplotlib, which `make usage` installs ({error})") from error
    draw(charges, since, until, file)
    print(f"Drawn in {file}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """1 when it could not be found out, with the reason on standard error."""
    options = parser().parse_args(arguments)
    return command_line.carried_out(lambda: run(options, environment))


if __name__ == "__main__":
    sys.exit(main())
