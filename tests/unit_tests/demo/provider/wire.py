"""Reading the demo provider's wire: scripts in, server-sent events out."""

import json
from typing import Any

import httpx

QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a demo?"}]}


async def script(http: httpx.AsyncClient, *replies: dict[str, Any], **rule: Any) -> str:
    answer = await http.post("/_script", json={"replies": list(replies), **rule})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def requests(http: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await http.get("/_requests", params=query)).json()
    return found


async def ask(http: httpx.AsyncClient, path: str = "/v1/chat/completions", **changes: Any) -> httpx.Response:
    return await http.post(path, json=QUESTION | changes)


async def ask_ok(http: httpx.AsyncClient, path: str = "/v1/chat/completions", **changes: Any) -> dict[str, Any]:
    answer = await ask(http, path, **changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def data_of(stream: str) -> list[Any]:
    """Each event's data, parsed unless it is the `[DONE]` mark."""
    lines = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def names_of(stream: str) -> list[str]:
    return [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
