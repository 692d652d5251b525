"""A client that goes away is noticed within milliseconds, whatever the demo provider is doing for it."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.unit_tests.demo.provider.wire import QUESTION, requests, script

WINDOWS: dict[str, tuple[bool, dict[str, Any]]] = {
    "before the headers of a stream": (True, {"delay": 5}),
    "before the first token": (True, {"first_token_delay": 5}),
    "in mid-stream": (True, {"chunks": ["a"] * 100, "chunk_delay": 0.07}),
    "in a plain call": (False, {"delay": 5}),
}


@pytest.mark.parametrize("window", WINDOWS)
async def test_the_moment_of_a_disconnect_is_recorded(http: httpx.AsyncClient, demo_url: str, window: str) -> None:
    stream, reply = WINDOWS[window]
    await script(http, {"content": "x"} | reply)
    async with httpx.AsyncClient(base_url=demo_url) as leaver:
        call = asyncio.create_task(_consume(leaver, stream=stream))
        await asyncio.sleep(0.25)
        left_at = time.time()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await asyncio.sleep(0.1)
    (seen,) = await requests(http)
    assert seen["outcome"] == "client_disconnected"
    assert 0 <= seen["ended_at"] - left_at < 0.05


async def test_a_call_that_is_still_answered_is_in_progress(http: httpx.AsyncClient, demo_url: str) -> None:
    await script(http, {"content": "x", "delay": 0.3})
    async with httpx.AsyncClient(base_url=demo_url) as other:
        call = asyncio.create_task(_consume(other, stream=False))
        await asyncio.sleep(0.1)
        (during,) = await requests(http)
        await call
    (after,) = await requests(http)
    assert (during["outcome"], during["ended_at"]) == ("in_progress", None)
    assert after["outcome"] == "completed"


async def _consume(client: httpx.AsyncClient, *, stream: bool) -> None:
    async with client.stream("POST", "/v1/chat/completions", json={**QUESTION, "stream": stream}) as answer:
        async for _ in answer.aiter_bytes():
            pass
