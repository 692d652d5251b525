"""A row says its value, its ratio, and whether the target was met; two runs are told side by side."""

import pytest

from tests.bench.report import Row, Target
from tests.bench.results import compared


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(1.6), "NO"),
        (Target(2.0), "yes"),
        (Target(5, at="least"), "NO"),
        (Target(300, of="value"), "yes"),
        (Target(299, of="value"), "NO"),
        (None, ""),
    ],
)
def test_a_row_tells_whether_its_target_was_met(target: Target | None, met: str) -> None:
    assert Row("plain", "CPU", 300.0, "µs", 2.0, "raw relay", target).cells()[-1] == met


def test_what_only_one_of_two_runs_has_is_told_with_a_dash() -> None:
    row = Row("plain", "CPU", 300.0, "µs", 2.0, "raw relay", Target(1.6)).data()
    facts = {"API": "abc"}
    table = compared(
        {"facts": facts, "rows": [row]}, {"facts": facts, "rows": [row | {"value": 150.0}, row | {"what": "new"}]}
    )
    assert [tuple(cells)[:4] for cells in table.rows] == [
        ("plain: CPU", "300 µs", "150 µs", "-50%"),
        ("plain: new", "–", "300 µs", ""),
    ]
