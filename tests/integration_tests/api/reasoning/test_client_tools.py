"""Reasoning beside the client's own tools: ours are called here, theirs are left to it, and nothing of the turn is lost."""

import json
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from tests.support.api import TOKEN, RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import MODEL, ask, ask_streamed, counted, finished, said, tool, use

PATH = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
READ: dict[str, Any] = {
    "type": "function",
    "function": {"name": "read_file", "description": "Reads.", "parameters": PATH},
}
LIST: dict[str, Any] = {"type": "function", "function": {"name": "list_files"}}
CALCULATE: dict[str, Any] = {"type": "function", "function": {"name": "calculate", "parameters": PATH}}


def _message(answer: dict[str, Any]) -> dict[str, Any]:
    [choice] = answer["choices"]
    message: dict[str, Any] = choice["message"]
    return message


def _called(message: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in message["tool_calls"]]


def _sdk(api: RunningAPI) -> OpenAI:
    return OpenAI(base_url=api.base_url, api_key=TOKEN, default_headers={"x-routing-mode": "reasoning"}, max_retries=0)


def test_a_turn_ends_with_the_clients_call_after_our_own_was_made(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(
        use(tool("calculate", expression="32 * 32"), tool("read_file", path="a.txt"), thought="Both at once."),
        contains=mark,
    )
    answer = ask(reasoner, mark, tools=[READ]).json()
    message = _message(answer)
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert _called(message) == [("read_file", {"path": "a.txt"})]
    assert message["tool_calls"][0]["type"] == "function"
    assert message["tool_calls"][0]["id"].startswith("call_")
    assert message["content"] == 'Both at once.\ncalculate({"expression": "32 * 32"}): 1024'
    assert answer["metadata"] == {"reasoning_end": "tool_calls", "reasoning_steps": "1", "reasoning_tool_calls": "1"}


def test_a_stream_says_the_same_in_one_message_with_one_end(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(
        use(tool("read_file", path="a.txt"), tool("list_files"), thought="I look.", concurrent=True), contains=mark
    )
    stream = ask_streamed(reasoner, mark, tools=[READ, LIST])
    ends = [
        choice["finish_reason"] for chunk in stream.chunks for choice in chunk["choices"] if choice["finish_reason"]
    ]
    calls = [call for delta in stream.deltas for call in delta.get("tool_calls", ())]
    assert (ends, stream.done, stream.text) == (["tool_calls"], True, "I look.")
    assert [(call["index"], call["function"]["name"]) for call in calls] == [(0, "read_file"), (1, "list_files")]
    assert len({call["id"] for call in calls}) == 2
    assert "tool_result" not in stream.types


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_turn_goes_on_with_what_the_client_sends_back(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    provider.script(
        use(tool("calculate", expression="32 * 32"), thought="First the product."),
        use(tool("read_file", path="a.txt"), thought="Now the file."),
        finished("Both are known."),
        said("It is 1024, as the file says."),
        contains=mark,
    )
    client = _sdk(reasoner)
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": mark}]
    first = _complete(client, messages, stream=stream)
    [call] = first.choices[0].message.tool_calls or []
    messages.append(first.choices[0].message.model_dump(exclude_none=True))  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "The product is 1024."})
    second = _complete(client, messages, stream=stream)
    assert second.choices[0].message.content == "It is 1024, as the file says."
    *_, planned, answered = provider.requests(contains=mark)
    for sent in (planned, answered):
        told = json.dumps(sent["body"]["messages"])
        assert all(known in told for known in ("First the product.", ": 1024", "Now the file.", "The product is 1024."))
        assert not {"tools", "tool_choice"} & set(sent["body"])
        assert {message["role"] for message in sent["body"]["messages"]} <= {"system", "user", "assistant"}
        assert not any("tool_calls" in message for message in sent["body"]["messages"])


def _complete(client: OpenAI, messages: list[ChatCompletionMessageParam], *, stream: bool) -> ChatCompletion:
    """As the SDK's helper puts the chunks together, or as it comes."""
    if not stream:
        return client.chat.completions.create(model=MODEL, messages=messages, tools=[READ])  # type: ignore[list-item]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[READ]) as events:  # type: ignore[list-item]
        for _ in events:
            pass
        return events.get_final_completion()


def test_the_steps_know_the_clients_tools_by_their_schemas(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), said(), contains=mark)
    ask(reasoner, mark, tools=[READ])
    planned, answered = provider.requests(contains=mark)
    assert json.dumps(PATH)[1:-1] in planned["body"]["messages"][0]["content"]
    assert "read_file" not in json.dumps(answered["body"])


def test_a_name_that_both_have_is_the_clients_and_ours_gets_its_servers(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(
        use(tool("demo__calculate", expression="2 + 2")), use(tool("calculate", path="sum.txt")), contains=mark
    )
    message = _message(ask(reasoner, mark, tools=[CALCULATE]).json())
    assert _called(message) == [("calculate", {"path": "sum.txt"})]
    assert 'demo__calculate({"expression": "2 + 2"}): 4' in message["content"]


def test_arguments_that_do_not_fit_go_back_to_the_model_and_not_to_the_client(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("read_file", file="a.txt")), use(tool("read_file", path="a.txt")), contains=mark)
    stream = ask_streamed(reasoner, mark, tools=[READ])
    [refused] = stream.of("tool_result")
    assert (refused["ok"], refused["tool"]) == (False, "read_file")
    assert "arguments do not fit" in refused["content"]
    calls = [call["function"]["arguments"] for delta in stream.deltas for call in delta.get("tool_calls", ())]
    assert [json.loads(arguments) for arguments in calls] == [{"path": "a.txt"}]


def test_a_required_call_is_asked_for_again_where_the_model_would_finish(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), use(tool("read_file", path="a.txt")), contains=mark)
    message = _message(ask(reasoner, mark, tools=[READ], tool_choice="required").json())
    assert _called(message) == [("read_file", {"path": "a.txt"})]


def test_without_parallel_calls_a_turn_has_one(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(use(tool("read_file", path="a"), tool("read_file", path="b")), contains=mark)
    message = _message(ask(reasoner, mark, tools=[READ], parallel_tool_calls=False).json())
    assert _called(message) == [("read_file", {"path": "a"})]


def test_tools_that_may_not_be_called_are_not_offered(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("read_file", path="a")), finished(), said(), contains=mark)
    response = ask(reasoner, mark, tools=[READ], tool_choice="none")
    assert response.headers["x-routing-decision"] == "reasoning"
    assert response.json()["choices"][0]["finish_reason"] == "stop"
    first = provider.requests(contains=mark)[0]
    assert "read_file" not in json.dumps(first["body"])


def test_the_same_call_asked_for_a_third_time_ends_the_turn_though_the_client_made_the_first_two(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(use(tool("read_file", path="a")), said("I go in circles."), contains=mark)
    turns: list[dict[str, Any]] = [{"role": "user", "content": mark}]
    for n in range(2):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a"}'}}
        turns += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{n}", "content": "empty"},
        ]
    answer = ask(reasoner, mark, tools=[READ], messages=turns).json()
    assert answer["metadata"]["reasoning_end"] == "repeated_tool_call"
    assert _message(answer)["content"] == "I go in circles."


def test_a_turn_that_ends_with_calls_tells_what_its_steps_used(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(
        use(tool("calculate", expression="1 + 1"), usage=counted(10, 2)),
        use(tool("read_file", path="a"), usage=counted(20, 3)),
        contains=mark,
    )
    stream = ask_streamed(reasoner, mark, tools=[READ], stream_options={"include_usage": True})
    assert stream.usage is not None
    assert (stream.usage["prompt_tokens"], stream.usage["completion_tokens"]) == (30, 5)
