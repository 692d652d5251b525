"""Requests to the demo provider's messages API, as Anthropic's clients send them."""

from typing import Any

import httpx

ASKED: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4000,
    "messages": [{"role": "user", "content": "What is a demo?"}],
}
HEADERS = {"anthropic-version": "2023-06-01", "x-api-key": "sk-caller"}
EPHEMERAL = {"type": "ephemeral"}
THINKING = {"type": "enabled", "budget_tokens": 1024}
SYSTEM_BETA = "mid-conversation-system-2026-04-07"
READ: dict[str, Any] = {
    "name": "Read",
    "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]},
}
AGENT: dict[str, Any] = {
    "name": "Agent",
    "input_schema": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("description", "prompt", "subagent_type")},
        "required": ["description", "prompt"],
    },
}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [text(block) if isinstance(block, str) else block for block in blocks]}


def assistant(*blocks: Any) -> dict[str, Any]:
    return user(*blocks) | {"role": "assistant"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def use(identifier: str = "toolu_1", name: str = "Read", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identifier, "name": name, "input": arguments}


def result(identifier: str = "toolu_1", content: Any = "the file's text") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identifier, "content": content}


async def post(http: httpx.AsyncClient, *betas: str, path: str = "", **changes: Any) -> httpx.Response:
    """The answer; a change to None leaves the field out."""
    body = {name: value for name, value in (ASKED | changes).items() if value is not None}
    headers = HEADERS | ({"anthropic-beta": ",".join(betas)} if betas else {})
    return await http.post(f"/v1/messages{path}", json=body, headers=headers)


async def answered(http: httpx.AsyncClient, *betas: str, **changes: Any) -> dict[str, Any]:
    answer = await post(http, *betas, **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refused(http: httpx.AsyncClient, *betas: str, **changes: Any) -> str:
    """The message of a 400."""
    answer = await post(http, *betas, **changes)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error"), answer.text
    return str(answer.json()["error"]["message"])
