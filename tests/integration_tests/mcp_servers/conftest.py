"""Demo tools servers: lasting ones for all tests that leave them in peace, mortal ones to kill, and one that asks for a token."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_tools import DemoTools


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("demo_tools"))
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def server(lasting: DemoTools) -> DemoTools:
    """One server for all tests that leave it in peace; it counts from the beginning of the test."""
    lasting.forget()
    return lasting


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[DemoTools]:
    """A server of the test's own, to kill."""
    demo = DemoTools(tmp_path)
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def lasting_older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("older"), "--older-protocol")
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
def older(lasting_older: DemoTools) -> DemoTools:
    """A server that knows only the protocol with sessions, in which nothing tells a client that the server is gone."""
    lasting_older.forget()
    return lasting_older


@pytest.fixture
def mortal_older(tmp_path: Path) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path, "--older-protocol")
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("locked"), token="right-token")
    demo.start()
    yield demo
    demo.stop()
