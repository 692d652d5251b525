"""What was asked for and is not done stands in the answer, plain or streamed, of each dialect; and in no other answer."""

import json
from typing import Any

import pytest
import respx
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from starlette.testclient import TestClient

from api.sse import payloads
from tests.unit_tests.api.conftest import SSE

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
REASONING = {"x-routing-mode": "reasoning"}
ASKED: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "functions": [{"name": "f", "parameters": {}}],
}
WHY = "a request with its own functions wants the model itself"
HEAD = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHUNKS = [
    {**HEAD, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}]},
    {**HEAD, "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": None}]},
    {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
]


def _stream(*events: dict[str, Any], named: bool = False) -> bytes:
    named_events = (f"event: {one['type']}\n" if named else "" for one in events)
    told = [f"{name}data: {json.dumps(one)}\n\n" for name, one in zip(named_events, events, strict=True)]
    return "".join([*told, "data: [DONE]\n\n"]).encode()


def _asked(client: TestClient, headers: dict[str, str] = REASONING, **fields: Any) -> bytes:
    return client.post(CHAT, json={**ASKED, **fields}, headers=headers).raise_for_status().content


def test_a_plain_answer_says_it_in_its_metadata(client: TestClient, litellm: respx.Router) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    litellm.post(CHAT).respond(200, json={**HEAD, "object": "chat.completion", "choices": [choice]})
    assert json.loads(_asked(client))["metadata"] == {"routing_overruled": f"reasoning; {WHY}"}
    assert "metadata" not in json.loads(_asked(client, {}))


@pytest.fixture
def streamed(litellm: respx.Router) -> None:
    litellm.post(CHAT).respond(200, content=_stream(*CHUNKS), headers=SSE)


@pytest.mark.usefixtures("streamed")
def test_a_stream_says_it_in_its_first_chunk_and_is_else_the_same(client: TestClient) -> None:
    first, *others = payloads(_asked(client, stream=True))
    first_as_it_is, *others_as_they_are = payloads(_asked(client, {}, stream=True))
    told = first["choices"][0]["delta"].pop("reasoning_event")
    shown = first["choices"][0]["delta"].pop("reasoning_content")
    assert told == {"type": "overruled", "step": 0, "asked": "reasoning", "reason": WHY}
    assert f"(not reasoned about: {WHY})\n" in shown
    assert (first, others) == (first_as_it_is, others_as_they_are)


@pytest.mark.usefixtures("streamed")
def test_what_is_left_to_the_classifier_is_shown_to_nobody(client: TestClient) -> None:
    first = next(payloads(_asked(client, {"x-routing-mode": "auto"}, stream=True)))
    assert first["choices"][0]["delta"]["reasoning_event"]["asked"] == "auto"
    assert "reasoning_content" not in first["choices"][0]["delta"]


@pytest.mark.usefixtures("streamed")
def test_openais_stream_helper_reads_it(client: TestClient) -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in payloads(_asked(client, stream=True)):
        list(state.handle_chunk(ChatCompletionChunk.model_validate(chunk)))
    message = state.get_final_completion().choices[0].message
    assert (message.role, message.content) == ("assistant", "Hello")


def test_the_events_of_a_response_say_it_wherever_they_have_the_response(
    client: TestClient, litellm: respx.Router
) -> None:
    response = {"id": "resp_1", "object": "response", "output": [{"type": "message"}], "metadata": {"mine": "1"}}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_text.delta", "delta": 'a "response": {'},
        {"type": "response.completed", "response": response},
    ]
    litellm.post(RESPONSES).respond(200, content=_stream(*events, named=True), headers=SSE)
    asked = {"model": "m", "input": "Hi", "stream": True, "tools": [{"type": "web_search"}]}
    answer = client.post(RESPONSES, json=asked, headers=REASONING)
    created, delta, completed = payloads(answer.content)
    for told in (created, completed):
        assert told["response"]["metadata"] == {"mine": "1", "routing_overruled": answer.headers["x-routing-overruled"]}
    assert delta == {**events[1], "sequence_number": 1}


def test_a_title_is_asked_of_the_model_whatever_the_name_says_and_moves_no_session(
    client: TestClient, litellm: respx.Router
) -> None:
    litellm.get("/v1/models").respond(200, json={"data": [{"id": "m"}]})
    litellm.get("/v1/model/info").respond(200, json={"data": []})
    route = litellm.post(CHAT).respond(200, content=_stream(*CHUNKS), headers=SSE)
    system = {"role": "system", "content": "You are a title generator. You output ONLY a thread title."}
    body = {"model": "m:reasoning", "messages": [system, *ASKED["messages"]], "stream": True}
    answer = client.post(CHAT, json=body, headers={"x-session-id": "s"})
    assert (answer.headers["x-routing-decision"], answer.headers["x-routing-source"]) == (
        "passthrough",
        "passthrough_rule",
    )
    first = next(payloads(answer.content))["choices"][0]["delta"]
    assert first["reasoning_event"]["reason"] == "a request for a conversation's title is not reasoned about"
    assert "reasoning_content" not in first
    assert json.loads(route.calls.last.request.content)["metadata"]["operation"] == "title"
    follow_up = client.post(CHAT, json={"model": "m", "messages": ASKED["messages"]}, headers={"x-session-id": "s"})
    assert follow_up.headers["x-routing-source"] == "default"
