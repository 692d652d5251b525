"""One real stack for all integration tests, started when the first of them needs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.instance import Instance
from tests.support.stack import crashes, existing_stack, running_stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that look back at what all others did come last."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def stack() -> Iterator[Instance]:
    """The stack; STACK_TEST_REUSE=STATE_DIR takes one that runs already, for quick trials while developing."""
    if reused := os.environ.get("STACK_TEST_REUSE"):
        yield existing_stack(Path(reused))
        return
    with running_stack("--scripted") as instance:
        yield instance
        # Or a service that crashed would show only in whatever was asked of it until it was back.
        assert crashes(instance) == []
