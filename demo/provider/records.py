"""What reached the demo provider, for the tests to read back; secrets are kept as a fingerprint only."""

import hashlib
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

MOST_RECORDS = 20_000
SECRET_WORDS = ("authorization", "api-key", "apikey", "token", "cookie", "secret")
FINGERPRINT_LENGTH = 12


@dataclass
class Record:
    """One request; `body` is the parsed JSON, or the text if it was none; times are unix seconds."""

    id: int
    path: str
    headers: dict[str, str]
    body: Any
    rule_id: str | None
    outcome: str
    started_at: float
    ended_at: float | None = None
    query: str = ""

    def end(self, outcome: str) -> None:
        self.outcome, self.ended_at = outcome, time.time()


class Records:
    """The last 20,000 requests; without `enabled` none is kept."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._kept: deque[tuple[Record, str]] = deque(maxlen=MOST_RECORDS)
        self._seen = 0

    def begin(
        self, path: str, headers: dict[str, str], body: Any, raw: str, rule_id: str | None, query: str = ""
    ) -> Record:
        self._seen += 1
        shown = {name: shown_value(name, value) for name, value in headers.items()} if self._enabled else {}
        record = Record(self._seen, path, shown, body, rule_id, "in_progress", time.time(), query=query)
        if self._enabled:
            self._kept.append((record, raw))
        return record

    def find(
        self, paths: tuple[str, ...] | None, contains: str | None, *, with_raw: bool = False
    ) -> list[dict[str, Any]]:
        """The requests; `with_raw` adds `raw`, the body's text as it came."""
        return [
            asdict(record) | ({"raw": raw} if with_raw else {})
            for record, raw in self._kept
            if (paths is None or record.path in paths) and (contains is None or contains in raw)
        ]

    def clear(self) -> None:
        self._kept.clear()


def shown_value(name: str, value: str) -> str:
    """The value, or for a secret `sha256:` and the first 12 digits of the hash of the bare key, without `Bearer`."""
    if not any(word in name for word in SECRET_WORDS):
        return value
    scheme, _, credentials = value.partition(" ")
    bare = credentials if scheme.lower() in {"bearer", "basic"} and credentials else value
    return "sha256:" + hashlib.sha256(bare.encode()).hexdigest()[:FINGERPRINT_LENGTH]
