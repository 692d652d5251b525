"""Is what calls cost still being recorded? LiteLLM answers on when it no longer can, and says so only in its log.

A virtual key may not read the spend log, but it may read its own row. LiteLLM writes `last_active` there when it charges the key,
in the same job that writes the log.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from api.errors import NotReady

# Seconds. LiteLLM's own guide to production has it write once a minute; as it comes, it does every ten to fifteen seconds.
WRITTEN_WITHIN: Final = 90.0
CLOCKS_DIFFER: Final = 30.0  # seconds; more than the clocks of two machines that are kept right
COST_HEADER: Final = "x-litellm-response-cost"
# Of a stream's last chunk; inside a JSON string the second quote would be escaped.
_COST: Final = re.compile(rb'"cost"\s*:\s*([0-9.eE+-]+)')


@dataclass(slots=True)
class SpendWatch:
    """Told of each call that has cost something, and asked whether LiteLLM has charged the key since. `within` is in seconds."""

    within: float = WRITTEN_WITHIN
    _written: str | None = None
    _unwritten_since: float | None = None
    _last_call: float = 0.0

    def answered(self, headers: Mapping[str, str]) -> None:
        self._cost(headers.get(COST_HEADER))

    def streamed(self, events: bytes) -> None:
        """LiteLLM says what a stream has cost in its usage alone."""
        if b'"cost"' in events and (found := _COST.search(events)):
            self._cost(found[1].decode())

    def check(self, written: str | None) -> None:
        """`written` is the `last_active` of the key now.

        Raises:
            NotReady: there has been none for too long.
        """
        if written != self._written:
            self._written = written
            # It was written since this was last asked, be it long ago, which stands for all calls but the last.
            self._unwritten_since = self._last_call_at() if self._is_before_last_call(written) else None
        if self._unwritten_since is not None and (waited := time.monotonic() - self._unwritten_since) > self.within:
            raise NotReady(
                f"LiteLLM has not recorded what calls have cost for {waited:.0f} s: its spend log is not being written. "
                "LiteLLM's own log says why."
            )

    def _cost(self, cost: Any) -> None:
        """A call that cost nothing known is none: LiteLLM charges nobody for a model without a price."""
        try:
            costs = float(cost) > 0
        except (TypeError, ValueError):
            return
        if costs:
            self._last_call = time.time()
            if self._unwritten_since is None:
                self._unwritten_since = time.monotonic()

    def _last_call_at(self) -> float:
        """By the clock that is never set."""
        return time.monotonic() - (time.time() - self._last_call)

    def _is_before_last_call(self, written: str | None) -> bool:
        try:
            return written is not None and datetime.fromisoformat(written).timestamp() + CLOCKS_DIFFER < self._last_call
        except ValueError:
            return False
