"""`python -m api.memory CONFIG` checks a file of rules for memory."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from api.config_file import ConfigFileError
from api.memory.memory_config import load_memory_routing


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when the file cannot be used, with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m api.memory", description=__doc__)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the file, such as config/memory_routing.yaml")
    path = parser.parse_args(arguments).config
    try:
        routing = load_memory_routing(path)
    except ConfigFileError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path} is usable; memory routing is switched {'on' if routing.enabled else 'off'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
