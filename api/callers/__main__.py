"""`python -m api.callers CONFIG` checks a file of callers; `--hash` turns a token into its line of one."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from api.callers.callers_config import TOKEN, digest, read_callers
from api.config import named_variables
from api.config_file import ConfigFileError


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when the file, or the token, cannot be used, with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m api.callers", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help="the file, such as config/callers.yaml")
    what.add_argument("--hash", action="store_true", help="read a token from standard input, and print its line")
    options = parser.parse_args(arguments)
    return _hash() if options.hash else _check(options.config)


def _hash() -> int:
    """A terminal does not show what is typed; anything else gives its first line."""
    token = (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not TOKEN.fullmatch(token):
        print("A token is one line of visible ASCII characters without spaces.", file=sys.stderr)
        return 1
    print(f"- sha256: {digest(token).hex()}")
    return 0


def _check(path: Path) -> int:
    try:
        tokens = read_callers(path, named_variables())
    except ConfigFileError as error:
        print(error, file=sys.stderr)
        return 1
    names = sorted({caller.id for caller in tokens.values()})
    print(f"{path} is usable: {len(tokens)} tokens of {len(names)} callers{': ' if names else ''}{', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
