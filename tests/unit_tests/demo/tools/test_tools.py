"""What the demo tools work out."""

import time
from fractions import Fraction
from pathlib import Path

import pytest

from demo.tools import dates, docs_search, units
from demo.tools.arithmetic import ExpressionError, approximate, calculate, show


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("123456789 * 987654321", "121932631112635269"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "1/3 (about 0.333333333333333)"),
        ("-1 / 8", "-0.125"),
        ("2 ^ 3 ^ 2", "512"),
        ("2 × 3 ÷ 4 − 1", "0.5"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("2 ** -2", "0.25"),
        ("(-1) ** 999999", "-1"),
        ("sqrt(2.25)", "1.5"),
        ("round(10 / 3, 2)", "3.33"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("factorial(20)", "2432902008176640000"),
        ("max(1, 2.5, 2) + min(3, 1) + abs(-2)", "5.5"),
        ("1e3 + 1_000", "2000"),
    ],
)
def test_arithmetic_is_exact(expression: str, result: str) -> None:
    assert show(calculate(expression)) == result


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("1 / 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("9 ** 9 ** 9", "more than 3913 digits"),
        ("1e999999999", "too large or too small"),
        ("2 ** 0.5", "an exponent must be a whole number, not 0.5"),
        ("sqrt(-1)", "sqrt of a negative number"),
        ("factorial(1e6)", "factorial takes 0 to 1000"),
        ("__import__('os')", "'__import__' is not known; the functions are abs"),
        ("(1).real", "'(1).real' is not arithmetic"),
        ("1 if 2 else 3", "is not arithmetic"),
        ("'a' * 3", "is not a number"),
        ("True + 1", "is not a number"),
        ("sqrt(1, 2)", "sqrt does not take 2 values"),
        ("2 +", "is not an arithmetic expression"),
        ("", "is not an arithmetic expression"),
        ("(" * 300 + "1" + ")" * 300, "at most 500"),
        ("-" * 400 + "x", "is not arithmetic"),
    ],
)
def test_what_is_not_arithmetic_is_refused_with_a_reason(expression: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        calculate(expression)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["factorial(1000) ** 1000", "7 ** 4000 * 7 ** 4000 * 7 ** 4000", "lcm(" + "9" * 490]
)
def test_a_costly_expression_is_refused_at_once(expression: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ExpressionError):
        calculate(expression)
    assert time.perf_counter() - started < 0.2


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        ("26.2", "mi", "km", "42.1648128"),
        ("100", "F", "celsius", "37.7777777777778"),
        ("-40", "°C", "°F", "-40"),
        ("1", "nautical mile", "m", "1852"),
        ("100", "km/h", "mph", "62.1371192237334"),
        ("1", "GiB", "MB", "1073.741824"),
        ("1", "psi", "kPa", "6.89475729316836"),
        ("1", "kWh", "kcal", "860.420650095602"),
    ],
)
def test_units_convert(value: str, source: str, target: str, result: str) -> None:
    assert approximate(units.convert(Fraction(value), source, target)) == result


def test_an_unknown_unit_is_answered_with_the_known_ones() -> None:
    with pytest.raises(units.UnitError, match="'parsec' is not a known unit; known are length: m, nm"):
        units.convert(Fraction(1), "parsec", "km")


def test_units_of_different_quantities_do_not_convert() -> None:
    with pytest.raises(units.UnitError, match="kg measures mass and km measures length"):
        units.convert(Fraction(1), "kg", "km")


def test_a_date_is_described() -> None:
    assert dates.date_info("2024-12-30") == {
        "date": "2024-12-30",
        "weekday": "Monday",
        "iso_week": "2025-W01",
        "day_of_year": 365,
        "quarter": 4,
        "leap_year": True,
        "days_in_month": 31,
    }


@pytest.mark.parametrize(
    ("start", "shift", "result"),
    [
        ("2024-01-31", (0, 1, 0, 0), "2024-02-29"),
        ("2024-02-29", (1, 0, 0, 0), "2025-02-28"),
        ("2026-03-15", (0, -3, 0, 0), "2025-12-15"),
        ("2026-12-31", (0, 0, 1, 1), "2027-01-08"),
    ],
)
def test_dates_shift_as_calendars_do(start: str, shift: tuple[int, int, int, int], result: str) -> None:
    assert dates.shifted(start, *shift).isoformat() == result


def test_a_date_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(dates.DateError, match="outside the years 1 to 9999"):
        dates.shifted("2026-01-01", 10**9, 0, 0, 0)


@pytest.mark.parametrize(
    ("start", "end", "days", "weekdays"),
    [("2026-01-01", "2026-12-25", 358, 256), ("2026-11-20", "2026-11-23", 3, 1), ("2026-11-23", "2026-11-20", -3, -1)],
)
def test_days_and_weekdays_between_dates(start: str, end: str, days: int, weekdays: int) -> None:
    assert dates.difference(start, end) == {"start": start, "end": end, "days": days, "weekdays": weekdays}


def test_a_date_that_is_none_is_told_the_form() -> None:
    with pytest.raises(dates.DateError, match="write YYYY-MM-DD"):
        dates.date_info("25.12.2026")


def test_a_city_is_answered_with_its_time_zone() -> None:
    with pytest.raises(dates.DateError, match=r"did you mean America/New_York\?"):
        dates.current_time("new york")


def test_a_time_zone_cannot_be_a_path() -> None:
    with pytest.raises(dates.DateError, match="is not an IANA time zone"):
        dates.current_time("../../etc/passwd")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "deployment").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Reasoning\nThe start.\n## Keys\nA virtual key is minted by make.\n")
    (tmp_path / "docs" / "deployment" / "docker.md").write_text("# Docker\nThe key of the start is compose.\n")
    return tmp_path


def test_the_passage_with_the_rarest_words_comes_first(docs: Path) -> None:
    found = docs_search.search(docs, "virtual key", 3)
    assert [(passage.file, passage.heading) for passage in found] == [
        ("README.md", "Keys"),
        ("docs/deployment/docker.md", "Docker"),
    ]


def test_a_search_without_a_hit_says_so(docs: Path) -> None:
    assert docs_search.show(docs_search.search(docs, "zebra", 3), "zebra") == (
        "Nothing in the documentation mentions 'zebra'."
    )
