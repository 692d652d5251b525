"""Every failure needs an explanation, and every explanation a failure."""

from pathlib import Path

import pytest

from tests.conformance import explanations
from tests.conformance.explanations import Explanation, ExplanationError, judge, load
from tests.conformance.outcomes import Outcome, Status
from tests.conformance.suites import RUNS

ENTRY = """
- run: suite-chat
  cases: [basic]
  cause: the proxy drops it
  errors: ["'\\\\w+' is missing"]
"""


@pytest.fixture
def known(tmp_path: Path) -> list[Explanation]:
    file = tmp_path / "explanations.yaml"
    file.write_text(ENTRY)
    return load(file)


def failed(case: str, *errors: str) -> Outcome:
    return Outcome(case, Status.FAILED, errors)


def test_an_explained_failure_holds(known: list[Explanation]) -> None:
    verdict = judge("suite-chat", [failed("basic", "'a' is missing", "'b' is missing")], known)
    assert verdict.holds
    assert [explanation.cause for _, explanation in verdict.explained] == ["the proxy drops it"]


def test_a_failure_without_an_explanation_does_not_hold(known: list[Explanation]) -> None:
    verdict = judge("suite-chat", [failed("basic", "'a' is missing"), failed("tools", "'a' is missing")], known)
    assert [outcome.case for outcome in verdict.unexplained] == ["tools"]
    assert not verdict.holds


def test_another_error_in_an_explained_case_does_not_hold(known: list[Explanation]) -> None:
    verdict = judge("suite-chat", [failed("basic", "'a' is missing", "HTTP 500")], known)
    assert [outcome.case for outcome in verdict.unexplained] == ["basic"]


def test_an_explained_case_that_passes_does_not_hold(known: list[Explanation]) -> None:
    verdict = judge("suite-chat", [Outcome("basic", Status.PASSED)], known)
    assert "basic does not fail any more" in verdict.stale[0]
    assert not verdict.holds


def test_an_explanation_of_one_run_says_nothing_of_another(known: list[Explanation]) -> None:
    verdict = judge("suite-responses", [failed("basic", "'a' is missing")], known)
    assert len(verdict.unexplained) == 1
    assert not verdict.stale


@pytest.mark.parametrize("missing", ["run", "cases", "cause", "errors"])
def test_an_entry_without_a_field_is_named(missing: str, tmp_path: Path) -> None:
    file = tmp_path / "explanations.yaml"
    file.write_text("- {" + ", ".join(f"{name}: [x]" for name in ("run", "cause", "errors") if name != missing) + "}")
    with pytest.raises(ExplanationError, match=rf"entry 1: .*{missing}"):
        load(file)


def test_every_explanation_of_ours_names_a_run_that_is_made() -> None:
    assert {explanation.run for explanation in explanations.load()} <= {run.name for run in RUNS}
