"""Where a curve bends."""

from tests.bench.curves import Point, knee


def test_the_knee_is_the_first_point_with_almost_the_highest_throughput() -> None:
    points = [Point(width, 1.0, 1.0, rate) for width, rate in ((1, 10), (2, 50), (4, 91), (8, 100), (16, 95))]
    assert knee(points).x == 4
