"""``logs``: the services' log files as one stream, each line with its service in front, across rotations."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from local_stack.instance import Instance

PAUSE_SECONDS = 0.3


@dataclasses.dataclass
class Follower:
    """One file. A rotation puts a new file at the path; the old one is read to its end first."""

    service: str
    path: Path
    prefix: str
    file: TextIO | None = None
    half_line: str = ""

    def close(self) -> None:
        if self.file is not None:
            self.file.close()

    def last(self, count: int) -> list[str]:
        self._open()
        return self.new_lines()[-count:] if count else (self.new_lines(), [])[1]

    def new_lines(self) -> list[str]:
        lines = self._read()
        if self._rotated():
            self._open()
            lines += self._read()
        return [f"{self.prefix}{line}" for line in lines]

    def _open(self) -> None:
        self.close()
        self.file = self.path.open(errors="replace") if self.path.exists() else None

    def _read(self) -> list[str]:
        if self.file is None:
            return []
        *lines, self.half_line = (self.half_line + self.file.read()).split("\n")
        return lines

    def _rotated(self) -> bool:
        if not self.path.exists():
            return False
        return self.file is None or not self.path.samefile(f"/dev/fd/{self.file.fileno()}")


def followers(instance: Instance, services: Sequence[str]) -> list[Follower]:
    width = max(map(len, services))
    return [Follower(name, instance.log(name), f"{name:<{width}} | " if len(services) > 1 else "") for name in services]


def follow(instance: Instance, services: Sequence[str], *, lines: int, forever: bool) -> None:
    with contextlib.ExitStack() as open_files:
        chosen = followers(instance, services)
        for follower in chosen:
            open_files.callback(follower.close)
            show(follower.last(lines))
        while forever:
            for follower in chosen:
                show(follower.new_lines())
            time.sleep(PAUSE_SECONDS)


def show(lines: list[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
