"""Figures from outcomes: nothing here asks a model anything."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.protocol import RoutingMode
from tests.evaluations.dataset import LABELS, Task

ANSWER_LINE = re.compile(r"^\W*answer\W*[:=]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
# Digits, or groups of three with one of the usual separators between them: comma, space, no-break spaces, apostrophe.
SEPARATORS = ", \u00a0\u202f'’"
NUMBER = re.compile(rf"[-−]?(?:\d{{1,3}}(?:[{SEPARATORS}]\d{{3}})+(?!\d)|\d+)(?:\.\d+)?")
_OFFERS_ANOTHER = "(?:or|and|not)"
NOTHING = math.nan


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each label (first) was routed to each path (second)."""

    counts: Counter[tuple[RoutingMode, RoutingMode]]

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def accuracy(self) -> float:
        """The share that was routed as labelled; NaN for no cases, like the figures below."""
        return _share(sum(self.counts[label, label] for label in LABELS), self.total)

    def precision(self, path: RoutingMode) -> float:
        """Of what was routed there, how much belongs there."""
        return _share(self.counts[path, path], sum(self.counts[label, path] for label in LABELS))

    def recall(self, path: RoutingMode) -> float:
        """Of what belongs there, how much was routed there."""
        return _share(self.counts[path, path], sum(self.counts[path, chosen] for chosen in LABELS))


def confusion(pairs: Iterable[tuple[RoutingMode, RoutingMode]]) -> Confusion:
    """From pairs of label and path."""
    return Confusion(Counter(pairs))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that occurred. NaN for none."""
    if not values:
        return NOTHING
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def is_correct(text: str, task: Task) -> bool:
    """Whether the answer says what it should: what stands on its `Answer:` line or, without one, at its end.

    A number is compared as a number, a text as a whole: other figures in the explanation count for nothing. Where the text
    stands at the end of a sentence, it may not be one of several.
    """
    said = final_answer(text)
    if isinstance(task.answer, tuple):
        before = r"\W*" if ANSWER_LINE.search(text) else rf"(?!.*\b{_OFFERS_ANOTHER}\b).*(?<!\w)"
        return any(re.fullmatch(rf"{before}{re.escape(each)}\W*", said, re.IGNORECASE) for each in task.answer)
    numbers = [number for found in NUMBER.findall(said) if (number := _number(found)) is not None]
    if not numbers:
        return False
    # Units and repetitions may follow a given answer's figure; without an answer line, the figure comes last.
    number = numbers[0] if ANSWER_LINE.search(text) else numbers[-1]
    return abs(number - task.answer) <= task.tolerance


def final_answer(text: str) -> str:
    lines = ANSWER_LINE.findall(text)
    if lines:
        return str(lines[-1])
    spoken = [line for line in text.splitlines() if line.strip()]
    return spoken[-1] if spoken else ""


def _number(text: str) -> float | None:
    """Whole numbers stay exact: 2 ** 61 has more digits than a float."""
    plain = re.sub(f"[{SEPARATORS}]", "", text).replace("−", "-")
    try:
        return float(plain) if "." in plain else int(plain)
    except ValueError:
        return None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NOTHING
