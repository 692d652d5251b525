"""One run: how often and how long is measured, the servers that it shares, and how it tells its progress."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.servers import Servers


@dataclass(frozen=True)
class Run:
    """`scale` shortens everything that is measured for a time or a number of times; 1 is the usual length."""

    servers: Servers
    repeat: int
    scale: float
    notes: list[str] = field(default_factory=list)

    def repeats(self, part: str) -> Iterator[int]:
        for number in range(self.repeat):
            self.say(f"{part}: repeat {number + 1} of {self.repeat}")
            yield number

    def seconds(self, usual: float) -> float:
        return usual * self.scale

    def count(self, usual: int, least: int = 3) -> int:
        return max(least, round(usual * self.scale))

    def say(self, text: str) -> None:
        """Standard output belongs to the table."""
        print(f"  {text}", file=sys.stderr, flush=True)
