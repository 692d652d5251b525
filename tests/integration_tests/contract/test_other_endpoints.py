"""Embeddings, responses and text completions: what the provider says is what the client gets, plain and streamed."""

import json
from typing import Any
from uuid import uuid4

import httpx
from hypothesis import given, settings

from tests.integration_tests.contract.answers import ANSWER, Streamed, streams
from tests.integration_tests.contract.differences import (
    ALLOWED_COMPLETION,
    ALLOWED_COMPLETION_STREAMED,
    ALLOWED_EMBEDDING,
    ALLOWED_RESPONSE,
    handed_on,
    unexpected,
)
from tests.integration_tests.contract.other_answers import EMBEDDINGS, RESPONSE, response_events
from tests.integration_tests.contract.test_equality import BOUNDED
from tests.integration_tests.contract.wire import USAGE_CHUNK, Wire, chunks

FEWER = settings(BOUNDED, max_examples=30)


def _ask(wire: Wire, path: str, field: str, reply: dict[str, Any], **fields: Any) -> httpx.Response:
    mark = f"mark-{uuid4().hex}"
    asked = {"messages": None, field: mark, **fields}
    return wire.ask(reply, path=path, mark=mark, **asked).raise_for_status()


@FEWER
@given(answer=EMBEDDINGS)
def test_embeddings_are_the_providers(wire: Wire, answer: dict[str, Any]) -> None:
    got = _ask(wire, "/embeddings", "input", {"raw_body": answer}, model=answer["model"]).json()
    assert unexpected(answer, got, ALLOWED_EMBEDDING) == []


@FEWER
@given(answer=RESPONSE)
def test_a_response_is_the_providers(wire: Wire, answer: dict[str, Any]) -> None:
    got = _ask(wire, "/responses", "input", {"raw_body": answer}).json()
    assert unexpected(answer, got, ALLOWED_RESPONSE) == []


@FEWER
@given(events=response_events())
def test_a_streamed_response_is_the_providers_event_by_event(wire: Wire, events: list[dict[str, Any]]) -> None:
    response = _ask(wire, "/responses", "input", {"raw_chunks": events}, stream=True)
    lines = response.text.split("\n")
    got = [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]
    assert [line.removeprefix("event: ") for line in lines if line.startswith("event:")] == [
        event["type"] for event in events
    ]
    allowed = ALLOWED_RESPONSE | {(f"response.{path}", kind) for path, kind in ALLOWED_RESPONSE}
    assert [unexpected(sent, came, allowed) for sent, came in zip(events, got, strict=True)] == [[]] * len(events)


@FEWER
@given(answer=ANSWER)
def test_a_text_completion_is_the_providers_answer_as_text(wire: Wire, answer: dict[str, Any]) -> None:
    got = _ask(wire, "/completions", "prompt", {"raw_body": answer}).json()
    assert unexpected(_as_text(answer, "message"), got, ALLOWED_COMPLETION) == []


@FEWER
@given(stream=streams())
def test_a_streamed_text_completion_is_the_providers_answer_as_text(wire: Wire, stream: Streamed) -> None:
    options = {"include_usage": True} if stream.usage_asked else None
    reply = {"raw_chunks": [*stream.chunks, *([] if stream.usage_asked else [USAGE_CHUNK]), "[DONE]"]}
    got = chunks(_ask(wire, "/completions", "prompt", reply, stream=True, stream_options=options))
    expected = [_as_text(chunk, "delta") for chunk in handed_on(stream.chunks)[0]]
    found = [unexpected(sent, came, ALLOWED_COMPLETION_STREAMED) for sent, came in zip(expected, got, strict=True)]
    assert found == [[]] * len(got)


def _as_text(answer: dict[str, Any], said: str) -> dict[str, Any]:
    """The chat completion that LiteLLM asks the provider for, as the text completion that it makes of it."""
    choices = [
        {
            "index": choice["index"],
            "text": choice[said].get("content") or "",
            "logprobs": choice["logprobs"],
            "finish_reason": choice["finish_reason"],
        }
        for choice in answer["choices"]
    ]
    return {**answer, "object": "text_completion", "choices": choices}
