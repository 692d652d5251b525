"""Requests whose provider answers as told, as plain HTTP: no SDK stands between a test and what was sent."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.integration_tests.contract.answers import Streamed
from tests.support.provider import ScriptedProvider

CHAT = "/chat/completions"
_MESSAGE = {"role": "assistant", "content": "a", "refusal": None}
_HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt-4o"}
_CHOICE = {"index": 0, "logprobs": None, "finish_reason": "stop"}
# Sent as they are: the provider does not look at a request that they answer, so it may say anything.
ANSWER = {**_HEAD, "object": "chat.completion", "choices": [{**_CHOICE, "message": _MESSAGE}]}
CHUNK = {**_HEAD, "object": "chat.completion.chunk", "choices": [{**_CHOICE, "delta": {"content": "a"}}]}
USAGE_CHUNK = {**CHUNK, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


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
        """One streamed request that is answered with these chunks, and with a usage, since the provider is always asked for it."""
        options = {"include_usage": True} if stream.usage_asked else None
        usage = [] if stream.usage_asked else [USAGE_CHUNK]
        return self.ask({"raw_chunks": [*stream.chunks, *usage, "[DONE]"]}, stream=True, stream_options=options)

    def arrived(self, request: dict[str, Any], *, mark: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The request with the mark as its last message, as it was sent and as it reached the provider."""
        sent = {**request, "messages": [*request["messages"], {"role": "user", "content": mark}]}
        reply = {"raw_chunks": [CHUNK, "[DONE]"]} if request.get("stream") else {"raw_body": ANSWER}
        self.provider.script(reply, contains=mark)
        self.client.post(CHAT, json=sent).raise_for_status()
        [seen] = self.provider.requests(contains=mark)
        return sent, seen["body"]


def chunks(response: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of every event of a stream but `[DONE]`, which has to be there."""
    response.raise_for_status()
    payloads = [line[5:].strip() for line in response.text.split("\n") if line.startswith("data:")]
    assert payloads[-1] == "[DONE]"
    return [json.loads(payload) for payload in payloads[:-1]]
