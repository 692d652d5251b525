"""Requests whose provider answers as told, as plain HTTP: no SDK stands between a test and what was sent."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.integration_tests.contract.answers import Streamed
from tests.support.provider import ScriptedProvider

CHAT = "/chat/completions"


@dataclass(frozen=True)
class Wire:
    """A client of the API or of LiteLLM, with a hand on the provider behind it."""

    client: httpx.Client
    provider: ScriptedProvider

    def ask(
        self,
        *replies: dict[str, Any],
        path: str = CHAT,
        headers: dict[str, str] | None = None,
        mark: str | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """One request that carries a mark of its own, answered by the provider with these replies."""
        mark = mark or f"mark-{uuid4().hex}"
        if replies:
            self.provider.script(*replies, repeat_last=True, contains=mark)
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], **fields}
        sent = {name: value for name, value in body.items() if value is not None}
        return self.client.post(path, json=sent, headers=headers)

    def ask_for(self, stream: Streamed) -> httpx.Response:
        """One streamed request that is answered with these chunks."""
        options = {"include_usage": True} if stream.usage_asked else None
        return self.ask({"raw_chunks": [*stream.chunks, "[DONE]"]}, stream=True, stream_options=options)


def chunks(response: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of every event of a stream but `[DONE]`, which has to be there."""
    response.raise_for_status()
    payloads = [line[5:].strip() for line in response.text.split("\n") if line.startswith("data:")]
    assert payloads[-1] == "[DONE]"
    return [json.loads(payload) for payload in payloads[:-1]]
