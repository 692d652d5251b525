"""One provider, one collector and one API for all tests of this folder; each test marks its own requests."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector, collector
from tests.support.provider import ScriptedProvider, scripted_provider


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="session")
def provider(directory: Path) -> Iterator[ScriptedProvider]:
    with scripted_provider(directory) as provider:
        yield provider


@pytest.fixture(scope="session")
def spans() -> Iterator[Collector]:
    with collector() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def api(directory: Path, provider: ScriptedProvider, spans: Collector) -> Iterator[RunningAPI]:
    tracing = {"ENABLE_TRACING": "true", "PHOENIX_COLLECTOR_ENDPOINT": spans.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with running_api(directory, llm_base_url=provider.url, **tracing) as api:
        yield api


@pytest.fixture
def mark() -> str:
    """A word that no other test's requests contain."""
    return f"mark-{uuid4().hex}"
