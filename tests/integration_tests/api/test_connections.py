"""One client for the life of the process: its connections are used again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.api import RunningAPI, running_api
from tests.support.provider import ScriptedProvider

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


def _ask(api: RunningAPI, *, stream: bool = False) -> None:
    response = httpx.post(
        f"{api.base_url}/chat/completions", json=BODY | {"stream": stream}, headers=api.headers, trust_env=False
    )
    assert response.status_code == 200


def _opened(provider: ScriptedProvider, before: int) -> int:
    """Connections opened since `before`, less the one that asks."""
    return provider.connections()["accepted"] - before - 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_requests_in_turn_share_one_connection(api: RunningAPI, provider: ScriptedProvider, stream: bool) -> None:
    _ask(api)
    before = provider.connections()["accepted"]
    for _ in range(20):
        _ask(api, stream=stream)
    assert _opened(provider, before) <= 1


def test_requests_side_by_side_use_no_more_connections_than_there_are_requests(
    api: RunningAPI, provider: ScriptedProvider
) -> None:
    before = provider.connections()["accepted"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _ask(api), range(80)))
    assert _opened(provider, before) <= 8


def test_no_more_connections_are_kept_than_configured(directory: Path, provider: ScriptedProvider, mark: str) -> None:
    provider.script({"delay": 0.3}, contains=mark, repeat_last=True)
    body = BODY | {"messages": [{"role": "user", "content": mark}]}
    with running_api(
        directory, llm_base_url=provider.url, HTTP_MAX_KEEPALIVE_CONNECTIONS="2", HTTP_KEEPALIVE_EXPIRY="60"
    ) as api:
        before = provider.connections()["open"]
        with ThreadPoolExecutor(6) as pool:
            list(
                pool.map(
                    lambda _: httpx.post(f"{api.base_url}/chat/completions", json=body, headers=api.headers), range(6)
                )
            )
        assert provider.connections()["open"] - before <= 2
