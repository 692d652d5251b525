"""Failures whose cause lies outside our code: each is named once, and only as long as it is there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.outcomes import Outcome, Status

FILE = Path(__file__).with_name("explanations.yaml")


class ExplanationError(ValueError):
    """The file of explanations is not as it should be; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why these cases of a run fail; every error of theirs must match one of `errors`, or something else is wrong too."""

    run: str
    cases: frozenset[str]
    cause: str
    errors: tuple[re.Pattern[str], ...]

    def covers(self, outcome: Outcome) -> bool:
        return outcome.case in self.cases and all(
            any(pattern.fullmatch(error) for pattern in self.errors) for error in outcome.errors
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run's outcomes come to; anything in `unexplained` or `stale` fails it."""

    explained: tuple[tuple[Outcome, Explanation], ...]
    unexplained: tuple[Outcome, ...]
    stale: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.unexplained and not self.stale


def load(path: Path = FILE) -> list[Explanation]:
    """Raises ExplanationError."""
    entries = yaml.safe_load(path.read_text()) or []
    if not isinstance(entries, list):
        raise ExplanationError(f"{path} must hold a list")
    return [_explanation(place, entry) for place, entry in enumerate(entries)]


def judge(run: str, outcomes: Sequence[Outcome], explanations: Iterable[Explanation]) -> Verdict:
    """Every failure needs an explanation, and every explanation a failure."""
    ours = [explanation for explanation in explanations if explanation.run == run]
    failures = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    covered = {failure: next((each for each in ours if each.covers(failure)), None) for failure in failures}
    return Verdict(
        tuple((failure, explanation) for failure, explanation in covered.items() if explanation),
        tuple(failure for failure, explanation in covered.items() if explanation is None),
        tuple(_stale(ours, {failure.case for failure in failures})),
    )


def _stale(explanations: Iterable[Explanation], failed: set[str]) -> list[str]:
    return [
        f"{case} does not fail any more: take its explanation out ({explanation.cause})"
        for explanation in explanations
        for case in sorted(explanation.cases - failed)
    ]


def _explanation(place: int, entry: Any) -> Explanation:
    fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    wanted: dict[str, type] = {"run": str, "cases": list, "cause": str, "errors": list}
    faults = [name for name, kind in wanted.items() if not isinstance(fields.get(name), kind) or not fields[name]]
    if faults:
        raise ExplanationError(f"entry {place + 1}: {', '.join(faults)} must be there and not empty")
    try:
        patterns = tuple(re.compile(str(pattern)) for pattern in fields["errors"])
    except re.error as error:
        raise ExplanationError(f"entry {place + 1}: errors: {error}") from None
    return Explanation(fields["run"], frozenset(map(str, fields["cases"])), fields["cause"].strip(), patterns)
