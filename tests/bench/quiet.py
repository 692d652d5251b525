"""Is the machine quiet enough for numbers? What others do on it lands in every one of them."""

import psutil

WATCHED = 2.0  # seconds
BUSY = 15.0  # percent of all CPUs


def busy(seconds: float = WATCHED) -> str | None:
    """What is wrong, in words, if others are at work; looked at now, as the load average still counts what ended."""
    share = psutil.cpu_percent(interval=seconds)
    if share <= BUSY:
        return None
    return f"Others use {share:.0f} % of this machine's {psutil.cpu_count()} CPUs: its numbers would be theirs too."
