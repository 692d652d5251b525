"""Figures that were worked out by hand."""

import math

import pytest

from api.protocol import RoutingMode
from tests.evaluations.dataset import Task
from tests.evaluations.scoring import confusion, is_correct, percentile

P, R = RoutingMode.PASSTHROUGH, RoutingMode.REASONING


def test_accuracy_precision_and_recall_of_a_table() -> None:
    # Labelled passthrough: 3 right, 1 wrong; labelled reasoning: 4 right, 2 wrong.
    table = confusion([(P, P)] * 3 + [(P, R)] + [(R, R)] * 4 + [(R, P)] * 2)
    assert table.accuracy == 7 / 10
    assert (table.precision(P), table.recall(P)) == (3 / 5, 3 / 4)
    assert (table.precision(R), table.recall(R)) == (4 / 5, 4 / 6)


def test_a_path_that_was_never_chosen_has_no_precision() -> None:
    table = confusion([(P, P), (R, P)])
    assert math.isnan(table.precision(R))
    assert table.recall(R) == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 3), (0.95, 5), (0.2, 1), (0.21, 2), (1.0, 5), (0.0, 1)])
def test_a_percentile_is_a_value_that_occurred(share: float, expected: float) -> None:
    assert percentile([5, 1, 4, 2, 3], share) == expected


def test_no_values_have_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


@pytest.mark.parametrize(
    ("text", "answer", "tolerance", "right"),
    [
        ("It is 42.\nAnswer: 42", 42, 0, True),
        ("It is 42.\nAnswer: 43", 42, 0, False),
        ("First I thought of 42.\nAnswer: 7", 42, 0, False),
        ("**Answer:** 351,463,833", 351463833, 0, True),
        ("Answer: 351 463 833", 351463833, 0, True),
        ("Answer: 2305843009213693952", 2**61, 0, True),
        ("Answer: 2305843009213693951", 2**61, 0, False),
        ("Answer: about 55.267 litres (14.6 gallons)", 55.27, 0.01, True),
        ("Answer: -280", 280, 0, False),
        ("Answer: −280 days", -280, 0, True),
        ("14.6 gallons are 55.27", 55.27, 0.01, True),
        ("55.27 are 14.6", 55.27, 0.01, False),
        ("Answer: I cannot tell", 42, 0, False),
        ("", 42, 0, False),
    ],
)
def test_numbers_are_compared_where_the_answer_stands(
    text: str, answer: float, tolerance: float, *, right: bool
) -> None:
    assert is_correct(text, Task("t", "?", answer, tolerance)) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Answer: Thursday", True),
        ("Answer: thursday.", True),
        ("Not Thursday.\nAnswer: Friday", False),
        ("It was a Thursday", True),
        ("Answer: Thursdayish", False),
        ("**Answer:** **Thursday**", True),
        ("Answer: Wednesday or Thursday", False),
        ("Answer: Thursday or Wednesday", False),
        ("Answer: not Thursday", False),
        ("Answer: Thursday, 9 November", False),
        ("It was a Wednesday or a Thursday", False),
        ("It was a Friday, not a Thursday.", False),
        ("Thursday comes before Friday", False),
        ("It was a **Thursday**.", True),
    ],
)
def test_texts_are_compared_as_a_whole(text: str, *, right: bool) -> None:
    assert is_correct(text, Task("t", "?", ("Thursday",))) is right
