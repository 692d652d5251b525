"""What all workers of one server have counted. Each tells by a file of its own, which outlives it.

Whoever is asked for the page has every worker write its file anew, its own first, and adds all of them up. What a page has said
of a worker therefore stands in a file, however the worker ends, and no page says less than an earlier one did.
"""

import json
import logging
from pathlib import Path
from typing import Any, Final

from api.colleagues import Colleagues
from api.telemetry.metrics.aggregates import Aggregates, Attributes, Distribution

_log = logging.getLogger(__name__)

TELL: Final = "metrics"


class SharedAggregates:
    """One worker's part in it."""

    def __init__(self, own: Aggregates, colleagues: Colleagues) -> None:
        self._own, self._colleagues = own, colleagues
        colleagues.hear(TELL, lambda _: self.write())

    async def sum(self) -> Aggregates:
        """Of all workers that there ever were; of those that live, what is in flight."""
        self.write()
        total = self._own.copy()  # no more than was written
        living = await self._colleagues.tell(TELL)
        for file in self._colleagues.directory.glob("*.json"):
            if file.stem != self._colleagues.name:
                add(total, json.loads(file.read_bytes()), lives=file.stem in living)
        return total

    def write(self) -> None:
        """Replaces the file in one step: whoever reads it at that moment reads the old one or the new one."""
        try:
            self._file(".new").write_text(json.dumps(told(self._own)))
            self._file(".new").replace(self._file(".json"))
        except OSError as error:
            _log.warning("What this worker has counted cannot be told: %s", error)

    def _file(self, suffix: str) -> Path:
        return (self._colleagues.directory / self._colleagues.name).with_suffix(suffix)


def told(aggregates: Aggregates) -> dict[str, list[Any]]:
    """By name of metric, in what JSON has."""
    histograms = {
        each.name: [
            [attributes, point.counts, point.total, point.lowest, point.highest] for attributes, point in each.told()
        ]
        for each in aggregates.histograms
    }
    return histograms | {each.name: list(each.told()) for each in aggregates.counts}


def add(total: Aggregates, other: dict[str, list[Any]], *, lives: bool) -> None:
    """Adds what a worker told; one that does not live has nothing in flight."""
    for histogram in total.histograms:
        for attributes, *point in other.get(histogram.name, ()):
            histogram.add(_attributes(attributes), Distribution(*point))
    for counts in total.counts:
        for attributes, number in other.get(counts.name, ()) if counts.grows or lives else ():
            counts.add(number, _attributes(attributes))


def _attributes(lists: list[list[Any]]) -> Attributes:
    return tuple((name, value) for name, value in lists)
