"""Who is measured first changes from repeat to repeat, and percentiles are values that occurred."""

from tests.bench.load import percentile, turns


def test_each_comes_first_and_last_in_some_repeat() -> None:
    orders = [turns(("a", "b", "c"), number) for number in range(6)]
    assert {order[0] for order in orders} == {order[-1] for order in orders} == {"a", "b", "c"}
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)


def test_a_percentile_is_the_value_that_so_large_a_share_does_not_exceed() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.99)) == (50.0, 99.0, 3.0)
