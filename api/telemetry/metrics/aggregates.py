"""What is counted and timed, added up where it happens: a record costs an addition, and is told when somebody asks.

OpenTelemetry's own instruments take some 20 µs for each record, several of which stand in the way of every call.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

Attributes = tuple[tuple[str, str | int], ...]
"""Always in the same order where it is the same thing that is counted."""


@dataclass(slots=True)
class Counts:
    """One number for each set of attributes. To be changed in the thread of the event loop, read in any."""

    name: str
    unit: str
    grows: bool = True
    """Whether it only ever does, so that who reads it can tell a restart."""
    _counts: dict[Attributes, int] = field(default_factory=dict)

    def add(self, number: int, attributes: Attributes = ()) -> None:
        self._counts[attributes] = self._counts.get(attributes, 0) + number

    def told(self) -> list[tuple[Attributes, int]]:
        return list(self._counts.items())


@dataclass(slots=True)
class Distribution:
    """How many values fell below or on each of the bounds, beyond the last one, and what they add up to."""

    counts: list[int]
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = float("-inf")


@dataclass(slots=True)
class Histogram:
    """One distribution for each set of attributes. To be changed in the thread of the event loop, read in any."""

    name: str
    unit: str
    bounds: Sequence[float]
    _points: dict[Attributes, Distribution] = field(default_factory=dict)

    def record(self, value: float, attributes: Attributes) -> None:
        if (point := self._points.get(attributes)) is None:
            point = self._points[attributes] = Distribution([0] * (len(self.bounds) + 1))
        point.counts[bisect_left(self.bounds, value)] += 1
        point.total += value
        if value < point.lowest:
            point.lowest = value
        if value > point.highest:
            point.highest = value

    def add(self, attributes: Attributes, other: Distribution) -> None:
        """Adds what was recorded elsewhere with the same bounds."""
        if (point := self._points.get(attributes)) is None:
            point = self._points[attributes] = Distribution([0] * (len(self.bounds) + 1))
        point.counts = [ours + theirs for ours, theirs in zip(point.counts, other.counts, strict=True)]
        point.total += other.total
        point.lowest, point.highest = min(point.lowest, other.lowest), max(point.highest, other.highest)

    def told(self) -> list[tuple[Attributes, Distribution]]:
        """Copies, each made in one step of the interpreter but for its total."""
        return [
            (attributes, Distribution(list(point.counts), point.total, point.lowest, point.highest))
            for attributes, point in list(self._points.items())
        ]


@dataclass(slots=True)
class Aggregates:
    """All of one server's."""

    histograms: list[Histogram] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    since: int = field(default_factory=time.time_ns)

    def histogram(self, name: str, unit: str, bounds: Sequence[float]) -> Histogram:
        self.histograms.append(Histogram(name, unit, bounds))
        return self.histograms[-1]

    def count(self, name: str, unit: str, *, grows: bool = True) -> Counts:
        self.counts.append(Counts(name, unit, grows))
        return self.counts[-1]

    def copy(self) -> "Aggregates":
        """As they are now; what is added to the copy is not added to these."""
        histograms = [Histogram(each.name, each.unit, each.bounds, dict(each.told())) for each in self.histograms]
        return Aggregates(
            histograms,
            [Counts(each.name, each.unit, each.grows, dict(each.told())) for each in self.counts],
            self.since,
        )
