"""A server that is told to stop lets streams end, but does not wait for them for ever."""

import threading
import time
from pathlib import Path

import httpx

from tests.support.api import RunningAPI, running_api
from tests.support.provider import ScriptedProvider

SUPERVISORS_PATIENCE = 15  # seconds; after them it kills


def _stream(api: RunningAPI, mark: str, received: list[bytes]) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], "stream": True}
    try:
        with (
            httpx.Client(trust_env=False, timeout=60) as client,
            client.stream("POST", f"{api.base_url}/chat/completions", json=body, headers=api.headers) as response,
        ):
            received.extend(response.iter_bytes())
    except httpx.HTTPError:
        received.append(b"broken off")


def _stop_while_streaming(api: RunningAPI, provider: ScriptedProvider, mark: str) -> list[bytes]:
    received: list[bytes] = []
    client = threading.Thread(target=_stream, args=(api, mark, received))
    client.start()
    provider.wait_for("in_progress", contains=mark)
    api.process.terminate()
    api.process.wait(SUPERVISORS_PATIENCE)
    client.join(5)
    return received


def test_a_stream_that_ends_soon_is_delivered_whole(directory: Path, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"chunks": ["a", "b", "c"], "chunk_delay": 0.5}, contains=mark)
    with running_api(directory, llm_base_url=provider.url) as api:
        received = _stop_while_streaming(api, provider, mark)
    assert b"".join(received).endswith(b"data: [DONE]\n\n")


def test_a_stream_that_does_not_end_is_cut_off(directory: Path, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"chunks": ["a", "b"], "chunk_delay": 120}, contains=mark)
    started = time.monotonic()
    with running_api(directory, llm_base_url=provider.url) as api:
        _stop_while_streaming(api, provider, mark)
    provider.wait_for("client_disconnected", contains=mark)
    assert time.monotonic() - started < 60
