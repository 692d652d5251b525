"""Reasoning requests: what the model shall reply step by step, how to ask, and how to read the stream of events."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import RunningAPI

MODEL = "gpt-4o"


def tool(name: str, **arguments: Any) -> dict[str, str]:
    """A call in a step, its arguments as text."""
    return {"name": name, "arguments": json.dumps(arguments), "reason": "to know it exactly"}


def step(
    action: str,
    thought: str = "I think.",
    tools: Sequence[dict[str, str]] = (),
    *,
    concurrent: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """A scripted reply that is a reasoning step; `more` are the reply's other fields, such as `usage`."""
    planned = {"thought": thought, "next_action": action, "tools_to_use": [*tools], "concurrent_execution": concurrent}
    return {"json": planned, **more}


def use(*tools: dict[str, str], thought: str = "I look.", concurrent: bool = False, **more: Any) -> dict[str, Any]:
    """A step that calls tools."""
    return step("use_tools", thought, tools, concurrent=concurrent, **more)


def finished(thought: str = "I know enough.", **more: Any) -> dict[str, Any]:
    """The last step."""
    return step("finished", thought, **more)


def said(content: str = "The answer.", **more: Any) -> dict[str, Any]:
    """The answer."""
    return {"content": content, **more}


def counted(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    """A call's usage."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def body(question: str, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """A chat completion request."""
    return {"model": MODEL, "messages": [{"role": "user", "content": question}], "stream": stream, **fields}


def reasoning_headers(api: RunningAPI) -> dict[str, str]:
    """The headers of a reasoning request."""
    return {**api.headers, "x-routing-mode": "reasoning"}


def ask(
    api: RunningAPI, question: str, *, stream: bool = False, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    """The whole response to a reasoning request."""
    return httpx.post(
        f"{api.base_url}/chat/completions",
        json=body(question, stream=stream, **fields),
        headers=reasoning_headers(api) | (headers or {}),
        trust_env=False,
        timeout=60,
    )


@dataclass(frozen=True)
class Stream:
    """A streamed answer, read to its end."""

    status: int
    payloads: list[Any]

    @property
    def done(self) -> bool:
        """Is `[DONE]` there, once, and the last?"""
        return self.payloads[-1:] == ["[DONE]"] and self.payloads.count("[DONE]") == 1

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [payload for payload in self.payloads if isinstance(payload, dict) and "error" not in payload]

    @property
    def error(self) -> dict[str, Any] | None:
        """What stands under `error`, in the one event that may."""
        found = [payload["error"] for payload in self.payloads if isinstance(payload, dict) and "error" in payload]
        assert len(found) <= 1
        return found[0] if found else None

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [choice["delta"] for chunk in self.chunks for choice in chunk["choices"]]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [delta["reasoning_event"] for delta in self.deltas if "reasoning_event" in delta]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def thinking(self) -> str:
        return "".join(delta.get("reasoning_content", "") for delta in self.deltas)

    @property
    def text(self) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def usage(self) -> dict[str, Any] | None:
        return next((chunk["usage"] for chunk in self.chunks if chunk.get("usage")), None)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of this type."""
        return [event for event in self.events if event["type"] == kind]


def streamed(response: httpx.Response) -> Stream:
    """The response as a stream of events."""
    return Stream(response.status_code, list(_payloads(response.content)))


def ask_streamed(api: RunningAPI, question: str, **fields: Any) -> Stream:
    """A streamed reasoning request, read to its end."""
    return streamed(ask(api, question, stream=True, **fields))


def mcp_config(directory: Path, *servers: tuple[str, str], timeout: float = 10) -> Path:
    """A configuration of these MCP servers, as (name, URL)."""
    file = directory / "mcp_servers.yaml"
    entries = [{"name": name, "transport": "streamable_http", "url": url, "timeout": timeout} for name, url in servers]
    file.write_text(json.dumps({"servers": entries}), encoding="utf-8")
    return file


def _payloads(content: bytes) -> Iterator[Any]:
    for event in content.split(b"\n\n"):
        if event:
            if event == b": keep-alive":  # a model may be silent for longer than a proxy would wait
                continue
            assert event.startswith(b"data: "), event
            data = event.removeprefix(b"data: ")
            yield "[DONE]" if data == b"[DONE]" else json.loads(data)
