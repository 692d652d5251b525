"""Does something take time in proportion to its input's size? Told by this thread's own processor time, on any machine."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Doubled twice, what is linear takes 4 times as long, and what is quadratic 16 times.
TIMES_AS_LARGE, AT_MOST = 4, 9.0
ENOUGH = 0.004  # seconds that the small input takes at least, or nothing could be told from it
MOST = 300_000  # pieces: larger ones would take more to make than to read
ATTEMPTS = 4
GIVEN_UP = 20.0  # seconds


def assert_linear(work: Callable[[T], object], of_size: Callable[[int], T], *, size: int = 1_000) -> None:
    """Raises AssertionError if the work on an input four times as large takes more than nine times as long, every time."""
    while (small := _seconds(work, of_size(size))) < ENOUGH:
        size *= 2
        if size > MOST:
            return  # what takes no time at all for so much is bounded
    ratios = []
    for _ in range(ATTEMPTS):
        assert small < GIVEN_UP, f"size {size:,} took {small:.1f} s"
        large = _seconds(work, of_size(size * TIMES_AS_LARGE))
        ratios.append(large / small)
        if ratios[-1] <= AT_MOST:
            return
        small = _seconds(work, of_size(size))
    raise AssertionError(
        f"{TIMES_AS_LARGE} times {size:,} took {', '.join(f'{ratio:.1f}' for ratio in ratios)} times as long"
    )


def _seconds(work: Callable[[T], object], given: T) -> float:
    started = time.thread_time()
    work(given)
    return time.thread_time() - started
