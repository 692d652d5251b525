"""The sum over all calls."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasoning.usage import add_usage, usage_of

COUNTS = st.integers(min_value=0, max_value=10**9)
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens"]), COUNTS)
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "total_tokens": COUNTS,
        "prompt_tokens_details": DETAILS | st.none(),
        "completion_tokens_details": DETAILS,
        "cost": st.integers(0, 10**6).map(lambda millionths: millionths / 1_000_000),
    },
)
COST = "x-litellm-response-cost"


def _at(usage: dict[str, Any], *path: str) -> Any:
    value: Any = usage
    for name in path:
        value = (value or {}).get(name)
    return value or 0


@given(st.lists(USAGES, max_size=6))
def test_the_sum_is_the_sum_of_every_field(usages: list[dict[str, Any]]) -> None:
    total: dict[str, Any] = reduce(add_usage, usages, {})
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert _at(total, name) == sum(_at(usage, name) for usage in usages)
    for part in ("prompt_tokens_details", "completion_tokens_details"):
        for name in ("cached_tokens", "reasoning_tokens", "audio_tokens"):
            assert _at(total, part, name) == sum(_at(usage, part, name) for usage in usages)
    assert round(_at(total, "cost") * 1_000_000) == sum(round(_at(usage, "cost") * 1_000_000) for usage in usages)


@given(USAGES, USAGES)
def test_the_order_does_not_matter_and_neither_part_is_changed(one: dict[str, Any], other: dict[str, Any]) -> None:
    before = repr((one, other))
    assert add_usage(add_usage({}, one), other) == add_usage(add_usage({}, other), one)
    assert repr((one, other)) == before


def test_floats_add_up_to_what_a_person_would_write() -> None:
    assert add_usage({"cost": 0.1}, {"cost": 0.2}) == {"cost": 0.3}


@pytest.mark.parametrize("odd", [None, "12", True, [1]])
def test_what_is_no_number_counts_as_nothing(odd: Any) -> None:
    assert add_usage({"total_tokens": 3}, {"total_tokens": odd}) == {"total_tokens": 3}


def test_a_number_counts_even_where_there_was_something_else() -> None:
    assert add_usage({"details": None}, {"details": {"a": 1}}) == {"details": {"a": 1}}


def test_the_cost_is_the_headers_unless_the_usage_says_it() -> None:
    assert usage_of({"usage": {"total_tokens": 1}}, {COST: "0.5"}) == {"total_tokens": 1, "cost": 0.5}
    assert usage_of({"usage": {"cost": 0.25}}, {COST: "0.5"}) == {"cost": 0.25}
    assert usage_of({"usage": {"cost": None}}, {COST: "0.5"}) == {"cost": 0.5}


@pytest.mark.parametrize("header", ["None", "", "nan", "inf"])
def test_a_cost_that_is_no_number_is_none(header: str) -> None:
    assert usage_of({"usage": {}}, {COST: header}) == {}


@pytest.mark.parametrize("answer", [{}, {"usage": None}, {"usage": [1]}, [1], None])
def test_an_answer_without_usage_used_nothing_that_is_known(answer: Any) -> None:
    assert usage_of(answer, {}) == {}
