"""What the commands say on the terminal: lines that also read well in a file, coloured where there is a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

# No width of 80 where there is no terminal: a link must stay in one piece.
_out = Console(highlight=False, soft_wrap=True)
_err = Console(highlight=False, soft_wrap=True, stderr=True)


def say(message: str) -> None:
    _out.print(escape(message))


def good(message: str) -> None:
    _out.print(f"[green]✓[/green] {escape(message)}")


def fail(message: str) -> None:
    _err.print(f"[red]error:[/red] {escape(message)}")


def table_console() -> Console:
    return Console(highlight=False)


@contextmanager
def step(doing: str, done: str) -> Iterator[None]:
    started = time.monotonic()
    say(f"{doing} ...")
    yield
    good(f"{done} in {time.monotonic() - started:.1f} s")
