"""Garbage collection between two steps of the interpreter, which is when Python 3.12 and later do it by themselves.

Python 3.11 collects in the midst of an allocation. If that is one of ``ContextVar.set``, and a finalizer sets a context
variable too, the process ends with a segmentation fault (CPython's issue gh-148891). Tracing sets context variables all
the time, and every stream that was cut leaves generators with finalizers behind: LiteLLM was seen to die of it.
"""

from __future__ import annotations

import gc
import sys
import threading
import time

NEEDED = sys.version_info < (3, 12)
INTERVAL = 0.1  # seconds
YOUNGEST, MIDDLE, OLDEST = range(3)
# Looking at all that is old again stops the process for as long as a second. As in CPython it happens once a quarter as
# much has joined it, and whether it has is looked at no more often than this, in seconds.
GROWTH = 1.25
FULL_INTERVAL = 10.0


def collect_at_safe_points() -> None:
    """Takes collecting over from the interpreter for the life of the process; nothing to do from Python 3.12 on."""
    if not NEEDED or not gc.isenabled():
        return
    gc.disable()
    threading.Thread(target=_collect_forever, name="garbage-collection", daemon=True).start()


def keep_for_good() -> None:
    """What is there now stays, and is never looked at again: after the imports that is nearly all there ever will be. Looking
    at it stopped every stream for 150 ms, whenever the server had grown."""
    gc.collect()
    gc.freeze()


def _collect_forever() -> None:
    survivors, next_look = 0, 0.0
    while True:
        time.sleep(INTERVAL)
        if _is_due(OLDEST) and time.monotonic() >= next_look:
            if _old() >= survivors * GROWTH:
                gc.collect(OLDEST)
                survivors = _old()
            next_look = time.monotonic() + FULL_INTERVAL
        elif _is_due(MIDDLE):
            gc.collect(MIDDLE)
        elif _is_due(YOUNGEST):
            gc.collect(YOUNGEST)


def _is_due(generation: int) -> bool:
    """Whether its count is over its threshold, as ``gc.set_threshold`` documents them; a first one of 0 turns all off."""
    thresholds = gc.get_threshold()
    return thresholds[YOUNGEST] > 0 and gc.get_count()[generation] > thresholds[generation]


def _old() -> int:
    return len(gc.get_objects(OLDEST))
