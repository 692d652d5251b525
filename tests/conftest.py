"""For every test: generated examples are the same in each run, and none fails because the machine was busy."""

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")
