"""For every test: generated examples are the same in each run, and none fails because the machine was busy."""

import os

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True, database=None)
# `make fuzz` chooses it, with a seed.
settings.register_profile(
    "fuzz", deadline=None, derandomize=False, database=None, max_examples=int(os.environ.get("FUZZ_EXAMPLES", "1000"))
)
settings.load_profile("project")
