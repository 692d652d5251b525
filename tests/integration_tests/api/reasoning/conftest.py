"""Real MCP servers behind real APIs: one that stays as it is, one with narrow limits, one whose server a test may kill."""

from collections.abc import Iterator

import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.collector import Collector
from tests.support.demo_tools import DemoTools
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import mcp_config


@pytest.fixture(scope="session")
def tools_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoTools]:
    demo = DemoTools(tmp_path_factory.mktemp("tools"))
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture(scope="session")
def reasoner(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, spans: Collector, tools_server: DemoTools
) -> Iterator[RunningAPI]:
    """The API with its default limits, and more time for a tool than any test needs."""
    directory = tmp_path_factory.mktemp("reasoner")
    settings = {
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url), timeout=30)),
        "ENABLE_TRACING": "true",
        "PHOENIX_COLLECTOR_ENDPOINT": spans.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api


@pytest.fixture(scope="session")
def hurried(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, spans: Collector, tools_server: DemoTools
) -> Iterator[RunningAPI]:
    """An API that gives a tool one second, and whose spans may not say what was said."""
    directory = tmp_path_factory.mktemp("hurried")
    settings = {
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url), timeout=1)),
        "ENABLE_TRACING": "true",
        "TRACE_CONTENT": "off",
        "PHOENIX_COLLECTOR_ENDPOINT": spans.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api


@pytest.fixture(scope="session")
def limited(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, tools_server: DemoTools
) -> Iterator[RunningAPI]:
    """The API with limits that a test reaches, but all the time there is."""
    directory = tmp_path_factory.mktemp("limited")
    settings = {
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url))),
        "REASONING_MAX_STEPS": "4",
        "REASONING_MAX_TOKENS": "50000",
        "REASONING_MAX_COST": "0.5",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api


@pytest.fixture(scope="session")
def timed(
    tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider, tools_server: DemoTools
) -> Iterator[RunningAPI]:
    """The API with little time for a request, and more for a tool."""
    directory = tmp_path_factory.mktemp("timed")
    settings = {
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url), timeout=20)),
        "REASONING_MAX_SECONDS": "2",
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api
