"""A client that goes away cancels the call to LiteLLM at once, whatever it was waiting for."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI
from tests.support.collector import Collector
from tests.support.provider import ScriptedProvider

# What the provider does for longer than the test lasts, by what the client is waiting for when it leaves.
WINDOWS: dict[str, tuple[bool, dict[str, Any]]] = {
    "the upstream's headers": (True, {"delay": 30}),
    "the first token": (True, {"first_token_delay": 30}),
    "mid-stream": (True, {"chunks": ["a", "b", "c", "d"], "chunk_delay": 10}),
    "a plain answer": (False, {"delay": 30}),
}
AT_ONCE = 0.5  # seconds; a bound for a busy machine, measured at a few milliseconds


async def _leave(api: RunningAPI, provider: ScriptedProvider, mark: str, *, stream: bool) -> float:
    """Sends a request, leaves when the provider is at work on it, and says when (unix seconds)."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], "stream": stream}

    async def ask() -> None:
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
            client.stream("POST", f"{api.base_url}/chat/completions", json=body, headers=api.headers) as response,
        ):
            async for _ in response.aiter_bytes():
                pass

    request = asyncio.create_task(ask())
    await asyncio.to_thread(provider.wait_for, "in_progress", contains=mark)
    await asyncio.sleep(0.3)  # into the window: past the headers and the first chunk, where there are any
    left = time.time()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    return left


@pytest.mark.parametrize("window", WINDOWS)
async def test_the_upstream_call_ends_with_its_client(
    api: RunningAPI, provider: ScriptedProvider, mark: str, window: str
) -> None:
    stream, reply = WINDOWS[window]
    provider.script(reply, contains=mark)
    left = await _leave(api, provider, mark, stream=stream)
    ended = await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)
    assert ended["ended_at"] - left < AT_ONCE


async def test_the_upstream_call_ends_with_its_client_though_the_next_request_has_come(
    api: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"delay": 30}, contains=mark)
    _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": mark}]}).encode()
    lines = [
        *(f"{name}: {value}" for name, value in api.headers.items()),
        "Host: 127.0.0.1",
        "Content-Type: application/json",
    ]
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    writer.write(head.encode() + body + b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await asyncio.to_thread(provider.wait_for, "in_progress", contains=mark)
    left = time.time()
    writer.transport.abort()
    ended = await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)
    assert ended["ended_at"] - left < AT_ONCE


async def test_a_client_that_left_is_no_error_in_the_trace(
    api: RunningAPI, provider: ScriptedProvider, spans: Collector, mark: str
) -> None:
    provider.script({"delay": 30}, contains=mark)
    before = len(spans.spans)
    await _leave(api, provider, mark, stream=False)
    received = await asyncio.to_thread(spans.wait_for, lambda all_spans: len(all_spans) >= before + 2)
    call, request = received[before:]
    assert (call.status, request.status) == (0, 0)
    assert request.attributes["client.disconnected"] is True


async def test_the_server_goes_on_serving_others(api: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"delay": 30}, contains=mark)
    await _leave(api, provider, mark, stream=True)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "still there?"}]}
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(f"{api.base_url}/chat/completions", json=body, headers=api.headers)
    assert response.status_code == 200
