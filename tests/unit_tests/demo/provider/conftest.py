"""The real demo provider on a free loopback port, in a thread of its own, and clients for it."""

import threading
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import openai
import pytest

from demo.provider.server import build_server


@pytest.fixture(scope="session")
def demo_url() -> Iterator[str]:
    server = build_server("127.0.0.1", 0, scripted=True)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port_of(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(10)


def port_of(server: object, thread: threading.Thread) -> int:
    """The port that the system chose, once the server listens on it."""
    while not getattr(server, "started", False):
        assert thread.is_alive(), "the demo provider ended before it listened"
        time.sleep(0.01)
    return int(getattr(server, "servers")[0].sockets[0].getsockname()[1])  # noqa: B009


@pytest.fixture
async def http(demo_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the raw wire; what earlier tests scripted is forgotten."""
    async with httpx.AsyncClient(base_url=demo_url, timeout=20) as client:
        await client.delete("/_script")
        yield client


@pytest.fixture
async def sdk(demo_url: str, http: httpx.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{demo_url}/v1", api_key="sk-caller", max_retries=0) as client:
        yield client
