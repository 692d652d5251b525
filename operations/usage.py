"""What was used and what it cost, from LiteLLM's own spend log: calls, errors, tokens, dollars, latency."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_stack import instance
from local_stack.ports import PortError
from operations import keys, spend_rows
from operations.keys import UsageError
from operations.litellm_admin import LiteLLMAdmin, LiteLLMError
from operations.usage_report import DIMENSIONS, FORMATS, summed

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def point_in_time(text: str) -> datetime:
    """``24h`` ago, or an ISO date or time, taken as UTC where it names no zone. argparse turns the ValueError into a message."""
    if ago := re.fullmatch(r"(\d+)([mhdw])", text):
        try:
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise argparse.ArgumentTypeError(f"{text} is before the year 1") from None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def dimensions(text: str) -> list[str]:
    """For argparse."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in DIMENSIONS]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, unknown))}: choose from {', '.join(DIMENSIONS)}")
    return list(dict.fromkeys(names))


def picture(text: str) -> Path:
    """For argparse."""
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text}: its name must end with .png")
    return Path(text)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m operations.usage",
        description=__doc__,
        epilog="LiteLLM writes its log some seconds after a call. Tokens are those that were used: a call that failed before it "
        "used any counts none. LITELLM_MASTER_KEY is read from the environment, then from the .env file.",
    )
    result.add_argument(
        "--since", type=point_in_time, default="24h", metavar="TIME", help="30m, 24h, 7d, 2w, or an ISO date or time in UTC"
    )  # fmt: skip
    result.add_argument("--until", type=point_in_time, metavar="TIME", help="likewise (default: now)")
    result.add_argument(
        "--by", type=dimensions, default="component", metavar="NAMES",
        help=f"what to group by, separated by commas: {', '.join(DIMENSIONS)} (default: component)",
    )  # fmt: skip
    result.add_argument("--format", choices=tuple(FORMATS), default="table")
    result.add_argument("--plot", type=picture, metavar="FILE.png", help="also draw cost over time by component")
    result.add_argument(
        "--env-file", type=Path, metavar="FILE", help="where LITELLM_MASTER_KEY stands (default: the stack's)"
    )
    result.add_argument("--litellm-url", metavar="URL", help="default: the stack's LiteLLM, http://127.0.0.1:4000")
    result.add_argument("--state-dir", metavar="DIR", help="another instance of the local stack, by its state folder")
    result.add_argument("--port-base", metavar="N", help="another instance, by its ports (default: $STACK_PORT_BASE)")
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raises UsageError, LiteLLMError, InstanceError, PortError, OSError."""
    until = options.until or datetime.now(UTC)
    if options.since >= until:
        raise UsageError(
            f"--since {options.since:%Y-%m-%d %H:%M:%S} is not before --until {until:%Y-%m-%d %H:%M:%S} (UTC)"
        )
    stack = instance.resolve(options.state_dir, options.port_base, environment)
    file: Path = options.env_file or stack.env_file
    values = keys.read_values(file, environment)
    key, url = keys.checked_master_key(values, file), keys.litellm_url(options, stack, values)
    with LiteLLMAdmin(url, key) as admin:
        rows = list(spend_rows.read(admin, options.since, until))
    print(FORMATS[options.format](summed(rows, options.by)))
    if options.plot:
        _plot(rows, options.since, until, options.plot)


def _plot(rows: Sequence[spend_rows.SpendRow], since: datetime, until: datetime, file: Path) -> None:
    try:
        # Here, because nothing else needs it, and it takes a second to load.
        from operations.usage_plot import draw
    except ImportError as error:
        raise UsageError(f"--plot needs matplotlib, which `make usage` installs ({error})") from error
    draw(rows, since, until, file)
    print(f"Drawn in {file}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """1 when it could not be found out, with the reason on standard error."""
    options = parser().parse_args(arguments)
    try:
        run(options, environment)
    except (UsageError, LiteLLMError, instance.InstanceError, PortError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
