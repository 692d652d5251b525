"""Reasoning where no header can be set, through the real stack: by the model's name, over a whole conversation, in both SDKs."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openai import OpenAI

from local_stack.instance import Instance
from tests.integration_tests.reasoning_script import ANSWER, script_two_tools
from tests.support.stack_client import Answered, StackClient

MODEL = "gpt-4o-mini"
CALLS = 4  # three steps and the answer


@pytest.fixture(scope="module")
def client(stack: Instance) -> StackClient:
    return StackClient.of(stack)


@pytest.fixture
def sdk(client: StackClient) -> Iterator[OpenAI]:
    way = httpx.Client(trust_env=False)
    with OpenAI(base_url=client.stack.url("api", "/v1"), api_key=client.token, http_client=way, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid4().hex}"


def _asked(client: StackClient, path: str, **body: Any) -> Answered:
    headers = {"authorization": f"Bearer {client.token}"}
    url = client.stack.url("api", f"/v1{path}")
    return Answered(httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False))


def test_the_name_has_a_request_reasoned_about_and_all_records_name_the_model_itself(
    client: StackClient, mark: str
) -> None:
    script_two_tools(client.provider, mark)
    turns = [{"role": "user", "content": mark}]
    answered = _asked(client, "/chat/completions", model=f"{MODEL}:reasoning", messages=turns)
    told = answered.response.headers
    assert (told["x-routing-decision"], told["x-routing-source"]) == ("reasoning", "model_name")
    assert (answered.body["model"], answered.body["choices"][0]["message"]["content"]) == (f"{MODEL}:reasoning", ANSWER)
    assert {sent["body"]["model"] for sent in client.provider.requests(contains=mark)} == {MODEL}
    rows = client.spend_rows(answered.trace_id, calls=CALLS)
    assert {row["model_group"] for row in rows} == {MODEL}
    assert sum(row["spend"] for row in rows) == pytest.approx(answered.cost)
    spans = client.spans(answered.trace_id, calls=CALLS)
    assert not [span for span in spans if f"{MODEL}:" in span.name]


def test_a_conversation_by_the_sdks_own_helper_sends_a_model_nothing_of_ours(
    client: StackClient, sdk: OpenAI, mark: str
) -> None:
    """Whoever appends the SDK's message sends all of its fields back."""
    script_two_tools(client.provider, mark)
    turns: list[Any] = [{"role": "user", "content": mark}]
    with sdk.chat.completions.stream(model=f"{MODEL}:reasoning", messages=turns) as stream:
        for _event in stream:
            pass
        message = stream.get_final_completion().choices[0].message.model_dump(exclude_none=True)
    assert {"reasoning_content", "reasoning_event"} <= message.keys()
    again = f"again-{mark}"
    client.provider.script({"content": "Yes."}, contains=again)
    turns += [message, {"role": "user", "content": again}]
    assert sdk.chat.completions.create(model=MODEL, messages=turns).choices[0].message.content == "Yes."
    [sent] = client.provider.requests(contains=again)
    assert sent["body"]["messages"][1] == {"role": "assistant", "content": ANSWER}


TURN = {"role": "user", "content": "Hello"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "raa1.x"}
OTHERS: dict[str, dict[str, Any]] = {
    "/completions": {"model": f"{MODEL}:reasoning", "prompt": "Hello"},
    "/embeddings": {"model": "text-embedding-3-small:reasoning", "input": "Hello"},
    "/messages/count_tokens": {"model": "claude-opus-4-8:reasoning", "messages": [TURN]},
}


@pytest.mark.parametrize("path", OTHERS)
def test_where_nothing_is_reasoned_about_the_name_is_understood_all_the_same(client: StackClient, path: str) -> None:
    answered = _asked(client, path, **OTHERS[path]).response.raise_for_status()
    assert answered.headers["x-routing-overruled"].startswith("reasoning; ")


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-8:passthrough"])
def test_our_thoughts_go_to_no_model_of_anthropics(client: StackClient, model: str, mark: str) -> None:
    client.provider.script({"content": "Yes."}, contains=mark)
    turns = [
        TURN,
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Hi."}]},
        {**TURN, "content": mark},
    ]
    answered = _asked(client, "/messages", model=model, max_tokens=100, messages=turns)
    assert answered.body["content"][0]["text"] == "Yes."
    [sent] = client.provider.requests(contains=mark)
    assert THOUGHT["signature"] not in str(sent["body"])


def test_every_model_that_chats_is_listed_in_its_modes(sdk: OpenAI) -> None:
    names = [model.id for model in sdk.models.list()]
    place = names.index(MODEL)
    assert names[place : place + 3] == [MODEL, f"{MODEL}:reasoning", f"{MODEL}:auto"]
    assert not [name for name in names if name.startswith("text-embedding") and ":" in name]
    assert sdk.models.retrieve(f"{MODEL}:reasoning").id == f"{MODEL}:reasoning"


def test_a_title_is_asked_of_the_model_alone(client: StackClient, mark: str) -> None:
    client.provider.script({"content": "A title"}, contains=mark)
    system = {"role": "system", "content": "You are a title generator. You output ONLY a thread title."}
    turns = [system, {"role": "user", "content": f"Generate a title for this conversation: {mark}"}]
    answered = _asked(client, "/chat/completions", model=f"{MODEL}:reasoning", messages=turns)
    assert answered.body["metadata"]["routing_overruled"] == answered.response.headers["x-routing-overruled"]
    assert len(client.provider.requests(contains=mark)) == 1
    [row] = client.spend_rows(answered.trace_id, calls=1)
    assert "operation:title" in row["request_tags"]
