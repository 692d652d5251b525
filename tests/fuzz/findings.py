"""What was found, by kind: how often, and the smallest input of each on disk, with what came back."""

import re
import threading
from collections import Counter
from pathlib import Path


class Findings:
    """Two inputs are of one kind if the same is wrong with what they brought about in the same part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: Counter[tuple[str, str]] = Counter()
        self._smallest: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, part: str, kind: str, sent: bytes, received: bytes, *, number: int | None = None) -> None:
        """Keeps the input if it is the smallest of its kind so far. `number` is what it can be made again from."""
        key = part, kind
        with self._lock:
            self.counts[key] += 1
            if len(sent) >= self._smallest.get(key, len(sent) + 1):
                return
            self._smallest[key] = len(sent)
            name = re.sub(r"\W+", "-", f"{part} {kind}").strip("-").lower()[:100]
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{name}.sent").write_bytes(sent)
            head = f"{kind}\npart {part}, input {number}\n\n".encode()
            (self.folder / f"{name}.received").write_bytes(head + received)

    def of(self, part: str) -> int:
        """How many kinds this part has found."""
        return sum(1 for found_in, _ in self.counts if found_in == part)

    def lines(self) -> list[str]:
        """One line a kind, the most frequent first."""
        return [f"{count:>7,} × {part}: {kind}" for (part, kind), count in self.counts.most_common()]
