"""What the project's commands share on a terminal: a mistake is told in one line that names what was wrong."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Without the list of all options before the one line that says which of them was wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (all options: {self.prog} --help)\n")


def plain(error: BaseException) -> str:
    """An error in words: the system's own without its number, every other as it says itself."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def fail(error: BaseException) -> int:
    """Says it, and returns the exit status."""
    print(f"error: {plain(error)}", file=sys.stderr)
    return 1


def count(text: str) -> int:
    """For argparse: a number of things, 0 or more."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len("1000000000"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)
