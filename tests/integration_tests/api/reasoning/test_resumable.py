"""Answers that live on without their client: every event once and in order, nothing of another's, nothing left at the end."""

import asyncio
import os
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.demo_tools import DemoTools
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import body, finished, mcp_config, reasoning_headers, said, tool, use

RUNS = int(os.environ.get("RESUMABLE_RUNS", "30"))
ANOTHER = "another-token"
RUN_ID = "x-reasoning-run-id"
WITHIN = (
    30.0  # seconds in which something is seen that is a matter of milliseconds on a machine that has nothing else to do
)


@pytest.fixture(scope="module")
def resumable(directory: Path, provider: ScriptedProvider, tools_server: DemoTools) -> Iterator[RunningAPI]:
    settings = {
        "API_TOKENS": f"{TOKEN},{ANOTHER}",
        "MCP_CONFIG_PATH": str(mcp_config(directory, ("demo", tools_server.url), timeout=30)),
        "RESUMABLE_MAX_RUNS_PER_CALLER": str(RUNS + 10),
    }
    with running_api(directory, llm_base_url=provider.url, **settings) as api:
        yield api


@pytest.fixture
async def client(resumable: RunningAPI) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=2 * RUNS)
    async with httpx.AsyncClient(
        base_url=resumable.base_url, headers=_headers(resumable), timeout=60, trust_env=False, limits=limits
    ) as client:
        yield client


def _headers(api: RunningAPI) -> dict[str, str]:
    return {**reasoning_headers(api), "x-reasoning-resumable": "true"}


def _script(provider: ScriptedProvider, word: str, *, last: dict[str, Any] | None = None) -> None:
    steps = use(tool("calculate", expression="6 * 7"), thought=f"thought of {word}"), finished(f"end of {word}")
    answer = {"chunks": [f"{piece} of {word}. " for piece in range(12)], "chunk_delay": 0.03}
    provider.script(*steps, last or answer, contains=word)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[int, str]]:
    """Number and data of each whole event."""
    number, data = -1, ""
    async for line in response.aiter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and data:
            yield number, data
            data = ""


async def _take(response: httpx.Response, most: int) -> list[tuple[int, str]]:
    """So many events, of which the client then reads no more."""
    taken = []
    async for told in _events(response):
        taken.append(told)
        if len(taken) == most:
            break
    return taken


async def _begin(client: httpx.AsyncClient, word: str, most: int) -> tuple[str, list[tuple[int, str]]]:
    async with client.stream("POST", "/chat/completions", json=body(word, stream=True)) as response:
        return response.headers[RUN_ID], await _take(response, most)


async def _go_on(
    client: httpx.AsyncClient, name: str, last: int, most: int, *, by_header: bool
) -> list[tuple[int, str]]:
    asked: dict[str, Any] = (
        {"headers": {"last-event-id": str(last)}} if by_header else {"params": {"starting_after": last}}
    )
    async with client.stream("GET", f"/runs/{name}", **asked) as response:
        assert response.status_code == 200
        return await _take(response, most)


async def _come_and_go(client: httpx.AsyncClient, word: str, number: int) -> tuple[str, list[tuple[int, str]]]:
    chance = random.Random(number)
    name, told = await _begin(client, word, chance.randint(1, 4))
    while told[-1][1] != "[DONE]":
        await asyncio.sleep(chance.random() * 0.3)
        told += await _go_on(client, name, told[-1][0], chance.randint(1, 9), by_header=chance.random() < 0.5)
    return name, told


async def _metric(api: RunningAPI, name: str) -> float:
    async with httpx.AsyncClient(headers=api.headers, trust_env=False) as client:
        page = (await client.get(f"{api.url}/metrics")).text
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def _until(seen: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN
    while not await seen():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_clients_that_come_and_go_are_told_every_event_once_in_order_and_nothing_of_anothers(
    resumable: RunningAPI, client: httpx.AsyncClient, provider: ScriptedProvider, mark: str
) -> None:
    words = [f"{mark}-{number:03}-" for number in range(RUNS)]
    for word in words:
        _script(provider, word)
    runs = await asyncio.gather(*(_come_and_go(client, word, number) for number, word in enumerate(words)))
    for word, (name, told) in zip(words, runs, strict=True):
        text = "".join(data for _, data in told)
        assert [number for number, _ in told] == list(range(len(told)))
        assert text.count(f"11 of {word}") == 1
        assert set(re.findall(rf"{mark}-\d+-", text)) == {word}
        assert await _go_on(client, name, 0, 1000, by_header=False) == told[1:]
        assert (await client.delete(f"/runs/{name}")).json()["deleted"]
    assert len({name for name, _ in runs}) == RUNS
    assert (await _metric(resumable, "runs_active"), await _metric(resumable, "runs_kept_bytes")) == (0, 0)
    assert {request["outcome"] for request in provider.requests(contains=mark)} == {"completed"}
    assert len(provider.requests(contains=mark)) == 3 * RUNS


@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_a_run_that_is_ended_spends_no_more(
    resumable: RunningAPI, client: httpx.AsyncClient, provider: ScriptedProvider, mark: str, how: str
) -> None:
    _script(provider, mark, last={"chunks": ["a", "b", "c"], "chunk_delay": 60})
    name, _ = await _begin(client, mark, 1)
    await _until(lambda: asyncio.to_thread(lambda: len(provider.requests(contains=mark)) == 3))
    ended = await (client.post(f"/runs/{name}/cancel") if how == "cancel" else client.delete(f"/runs/{name}"))
    assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
    await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)
    assert await _metric(resumable, "runs_active") == 0
    found = await client.get(f"/runs/{name}", params={"stream": False})
    assert found.status_code == (200 if how == "cancel" else 404)
    if how == "cancel":
        [*_, (_, last)] = await _go_on(client, name, 0, 1000, by_header=False)
        assert "run_cancelled" in last
        await client.delete(f"/runs/{name}")


async def test_a_run_goes_on_without_its_client_and_is_its_callers_alone(
    resumable: RunningAPI, client: httpx.AsyncClient, provider: ScriptedProvider, mark: str
) -> None:
    _script(provider, mark)
    name, _ = await _begin(client, mark, 1)

    async def is_complete() -> bool:
        told = (await client.get(f"/runs/{name}", params={"stream": False})).json()
        return bool(told["status"] == "completed")

    await _until(is_complete)
    another = {"authorization": f"Bearer {ANOTHER}"}
    for asked in ("GET", ""), ("POST", "/cancel"), ("DELETE", ""):
        refused = await client.request(asked[0], f"/runs/{name}{asked[1]}", headers=another)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "run_not_found")
    assert (await client.delete(f"/runs/{name}")).json()["status"] == "completed"


async def test_without_the_header_a_client_that_leaves_ends_the_work(
    resumable: RunningAPI, client: httpx.AsyncClient, provider: ScriptedProvider, mark: str
) -> None:
    _script(provider, mark, last={"chunks": ["a", "b"], "chunk_delay": 60})
    headers = {"x-reasoning-resumable": "false"}
    async with client.stream("POST", "/chat/completions", json=body(mark, stream=True), headers=headers) as response:
        assert RUN_ID not in response.headers
        await _until(lambda: asyncio.to_thread(lambda: len(provider.requests(contains=mark)) == 3))
    await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)


async def test_a_passed_on_stream_is_resumed_as_well(
    client: httpx.AsyncClient, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": [f"{piece} " for piece in range(9)], "chunk_delay": 0.05}, contains=mark)
    headers = {"x-routing-mode": "passthrough"}
    async with client.stream("POST", "/chat/completions", json=body(mark, stream=True), headers=headers) as response:
        name, told = response.headers[RUN_ID], await _take(response, 2)
    told += await _go_on(client, name, told[-1][0], 1000, by_header=True)
    assert [number for number, _ in told] == list(range(len(told)))
    assert told[-1][1] == "[DONE]"
    await client.delete(f"/runs/{name}")


async def test_what_cannot_be_resumed_is_refused_before_anything_is_spent(
    client: httpx.AsyncClient, provider: ScriptedProvider, mark: str
) -> None:
    refused = await client.post("/chat/completions", json=body(mark))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "X-Reasoning-Resumable")
    assert provider.requests(contains=mark) == []


def test_openais_sdk_reads_a_resumable_stream(resumable: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished(), said("whole"), contains=mark)
    with httpx.Client(trust_env=False, timeout=60) as http:
        sdk = openai.OpenAI(base_url=resumable.base_url, api_key=TOKEN, http_client=http, max_retries=0)
        stream = sdk.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": mark}],
            stream=True,
            extra_headers={"x-routing-mode": "reasoning", "x-reasoning-resumable": "true"},
        )
        assert "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices) == "whole"


async def test_a_server_that_is_told_to_stop_ends_its_runs(
    directory: Path, provider: ScriptedProvider, mark: str
) -> None:
    provider.script({"chunks": ["a", "b"], "chunk_delay": 120}, contains=mark)
    with running_api(directory, llm_base_url=provider.url) as api:
        headers = {**api.headers, "x-reasoning-resumable": "true"}
        async with (
            httpx.AsyncClient(base_url=api.base_url, headers=headers, timeout=60, trust_env=False) as client,
            client.stream("POST", "/chat/completions", json=body(mark, stream=True)) as response,
        ):
            await _take(response, 1)
        api.process.terminate()
        await asyncio.to_thread(api.process.wait, WITHIN)
    await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)
