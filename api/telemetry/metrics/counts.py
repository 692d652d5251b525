"""Counts that are told when somebody asks, and cost an addition until then."""

from collections import defaultdict
from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Observation

Attributes = tuple[tuple[str, str], ...]


class Counts:
    """One number for each set of attributes. To be changed in the thread of the event loop."""

    def __init__(self) -> None:
        self._counts: defaultdict[Attributes, int] = defaultdict(int)

    def add(self, number: int, attributes: Attributes) -> None:
        self._counts[attributes] += number

    def observed(self, _options: CallbackOptions) -> Iterable[Observation]:
        """What OpenTelemetry asks for; the copy is made in one step of the interpreter, whichever thread asks."""
        return [Observation(count, dict(attributes)) for attributes, count in list(self._counts.items())]
