"""The container: one client for the life of the process, out of reach outside it, closed in reverse whatever fails."""

import asyncio
import logging
import subprocess
import sys

import pytest
import respx

from api.config import Settings
from api.dependencies import ServiceContainer
from tests.support.played_litellm import PlayedTransport


class Unclosable(PlayedTransport):
    """A transport whose closing fails."""

    async def aclose(self) -> None:
        raise OSError("stuck")


@pytest.mark.parametrize(
    "name", ["openai_client", "gateway", "readiness", "tracing", "metrics", "agent", "router", "catalog", "mcp_servers"]
)
def test_nothing_is_to_be_had_before_start_up(settings: Settings, name: str) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        getattr(ServiceContainer(settings), name)


async def test_nothing_is_to_be_had_after_shutdown(settings: Settings) -> None:
    async with ServiceContainer(settings) as services:
        assert services.openai_client is services.openai_client
    with pytest.raises(RuntimeError, match="not open"):
        _ = services.openai_client


async def test_the_client_never_retries_because_litellm_does(settings: Settings, litellm: respx.Router) -> None:
    async with ServiceContainer(settings, PlayedTransport(litellm)) as services:
        assert services.openai_client.max_retries == 0


async def test_what_was_opened_last_is_closed_first(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "api.dependencies"):
        async with ServiceContainer(settings):
            pass
    closed = [record.message for record in caplog.records if record.message.startswith("Closed")]
    assert closed == [
        "Closed the resumable runs",
        "Closed the MCP servers",
        "Closed the HTTP client",
        "Closed metrics",
        "Closed tracing",
    ]


async def test_what_cannot_be_closed_is_logged_and_keeps_nothing_else_open(
    settings: Settings, caplog: pytest.LogCaptureFixture, litellm: respx.Router
) -> None:
    with caplog.at_level(logging.DEBUG, "api.dependencies"):
        async with ServiceContainer(settings, Unclosable(litellm)):
            pass
    messages = [record.message for record in caplog.records]
    assert messages == [
        "Closed the resumable runs",
        "Closed the MCP servers",
        "Closing the HTTP client failed",
        "Closed metrics",
        "Closed tracing",
    ]


async def test_a_failed_start_closes_what_it_had_opened(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    broken = settings.mcp_config_path.with_name("broken.yaml")
    broken.write_text("servers: [{name: 7}]\n")
    with caplog.at_level(logging.DEBUG, "api.dependencies"), pytest.raises(Exception, match=r"broken\.yaml"):
        async with ServiceContainer(settings.model_copy(update={"mcp_config_path": broken})):
            pass
    assert [record.message for record in caplog.records] == [
        "Closed the HTTP client",
        "Closed metrics",
        "Closed tracing",
    ]


async def test_a_start_that_is_cancelled_while_it_connects_to_tools_leaves_no_task_behind(settings: Settings) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/mcp"
        config = settings.mcp_config_path.with_name("silent.yaml")
        config.write_text(f"servers: [{{name: silent, transport: streamable_http, url: '{url}'}}]\n")
        services = ServiceContainer(settings.model_copy(update={"mcp_config_path": config}))
        starting = asyncio.create_task(services.__aenter__())
        await asked.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("mcp:")] == []
        assert [task for task in asyncio.all_tasks() if "Event.wait" in repr(task)] == []


def test_without_tracing_its_libraries_are_not_even_imported() -> None:
    program = "import sys, api.main; print(sorted({'phoenix', 'grpc', 'opentelemetry.sdk'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
