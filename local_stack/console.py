"""What the commands say on the terminal: lines that also read well in a file, coloured where there is a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

# What is over sooner needs no word.
PATIENCE_SECONDS = 1.0

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


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """What is worked at, on standard error once it takes longer than a second; what is yielded takes newer words for it.

    A terminal shows the newest, and nothing of it in the end; elsewhere it is said once.
    """
    words, status = [text], _err.status(escape(text))

    def tell(news: str) -> None:
        words[0] = news
        status.update(escape(news))

    timer = threading.Timer(
        PATIENCE_SECONDS, lambda: status.start() if _err.is_terminal else _err.print(escape(f"{words[0]} ..."))
    )
    timer.daemon = True
    timer.start()
    try:
        yield tell
    finally:
        timer.cancel()
        timer.join()
        status.stop()
