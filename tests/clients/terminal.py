"""A program in a terminal, used as by hand: what is typed, and what comes to stand on the screen."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROWS, COLUMNS = 50, 140
WITHIN: Final = 60.0  # seconds
_CONTROL: Final = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Z])")


class Terminal:
    """What the program has written so far is kept; blanks do not count, since programs jump over them."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._written = b""

    @property
    def shown(self) -> str:
        """All that has stood on the screen, without blanks."""
        return "".join(_CONTROL.sub(b"", self._written).decode(errors="replace").split())

    def enter(self, line: str) -> None:
        """Types a line, sees it stand there, and sends it off."""
        self._written = b""
        os.write(self._side, line.encode())
        self.wait_for(line)
        os.write(self._side, b"\r")

    def wait_for(self, text: str) -> None:
        """Reads on until the text has stood on the screen."""
        wanted, deadline = "".join(text.split()), time.monotonic() + WITHIN
        while wanted not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} did not appear within {WITHIN} s: {self.shown[-3000:]}"
            if select.select([self._side], [], [], 0.2)[0]:
                self._written += os.read(self._side, 65_536)


@contextlib.contextmanager
def running(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """The program in a terminal of its own, ended with the block together with what it started."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**environment, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(ours)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
