"""Answers that live on without their client: what is told of each is kept for a while, and read again from where one stopped.

runs.py     all of them, within bounds, each for its caller alone
run.py      one: its source, the task that reads it, and who reads along
journal.py  its events, numbered, the last so many bytes of them
reader.py   a client's view of one: the events from a number on, then those to come
"""

from api.runs.journal import numbered
from api.runs.reader import RunReader
from api.runs.run import Run, RunSource, Status
from api.runs.runs import Bounds, Place, Runs

__all__ = ["Bounds", "Place", "Run", "RunReader", "RunSource", "Runs", "Status", "numbered"]
