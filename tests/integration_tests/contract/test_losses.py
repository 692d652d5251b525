"""What LiteLLM changes on the way and nobody after it can undo. Each test fails once LiteLLM mends it: then the row can go."""

import json
from typing import Any

import pytest

from tests.integration_tests.contract.wire import USAGE_CHUNK, Wire, chunks

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o"}


def _chunk(delta: dict[str, Any], *, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**HEAD, "choices": [choice]}


def _streamed(wire: Wire, *sent: dict[str, Any]) -> list[dict[str, Any]]:
    return chunks(wire.ask({"raw_chunks": [*sent, USAGE_CHUNK, "[DONE]"]}, stream=True))


OPENING = _chunk({"role": "assistant", "content": ""})


def test_a_refusal_is_lost_from_a_stream(wire: Wire) -> None:
    got = _streamed(wire, OPENING, _chunk({"refusal": "I will not."}), _chunk({}, finish="stop"))
    assert "I will not." not in str(got)


def test_a_refusal_in_a_plain_answer_is_kept(wire: Wire) -> None:
    answer = wire.ask({"refusal": "I will not."}).json()
    assert (answer["choices"][0]["message"]["refusal"], answer["choices"][0]["message"]["content"]) == (
        "I will not.",
        None,
    )


def test_of_several_streamed_choices_only_one_says_why_it_finished(wire: Wire) -> None:
    opened = [_chunk({"role": "assistant", "content": "a"}, index=index) for index in (0, 1)]
    finished = [_chunk({}, index=index, finish="length") for index in (0, 1)]
    got = _streamed(wire, *opened, *finished)
    reasons = [choice["finish_reason"] for chunk in got for choice in chunk["choices"]]
    assert reasons == [None, None, "length"]


def test_the_one_end_and_audio_count_for_the_first_choice(wire: Wire) -> None:
    said = _chunk({"audio": {"transcript": "a"}}, index=1)
    got = _streamed(wire, OPENING, said, _chunk({}, index=1, finish="length"), _chunk({}, finish="stop"))
    assert [chunk["choices"][0]["index"] for chunk in got] == [0, 0, 0]
    assert got[-1]["choices"][0]["finish_reason"] == "length"


def test_a_chunk_with_audio_loses_its_service_tier(wire: Wire) -> None:
    said = _chunk({"audio": {"transcript": "a"}}) | {"service_tier": "flex"}
    got = _streamed(wire, OPENING, said, _chunk({}, finish="stop") | {"service_tier": "flex"})
    assert [chunk.get("service_tier") for chunk in got] == [None, None, "flex"]


def test_a_finish_reason_beside_a_text_gets_a_chunk_of_its_own(wire: Wire) -> None:
    got = [chunk["choices"][0] for chunk in _streamed(wire, OPENING, _chunk({"content": "a"}, finish="stop"))]
    assert [(choice["delta"], choice["finish_reason"]) for choice in got[1:]] == [
        ({"content": "a"}, None),
        ({}, "stop"),
    ]


def test_a_plain_answer_without_a_usage_has_one_of_nothing(wire: Wire) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "logprobs": None, "finish_reason": "stop"}
    answer = wire.ask({"raw_body": {**HEAD, "object": "chat.completion", "choices": [choice]}}).json()
    assert answer["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def test_an_unknown_field_of_a_stream_is_lost(wire: Wire) -> None:
    said = _chunk({"content": "a", "x_of_the_provider": 1}) | {"obfuscation": "abc"}
    got = _streamed(wire, OPENING, said, _chunk({}, finish="stop"))
    assert (got[1]["choices"][0]["delta"], "obfuscation" in got[1]) == ({"content": "a"}, False)


def test_a_chunk_that_says_nothing_is_lost(wire: Wire) -> None:
    got = _streamed(wire, OPENING, _chunk({"content": ""}), _chunk({"content": "a"}), _chunk({}, finish="stop"))
    assert len(got) == 3


def test_reasoning_is_called_reasoning_content_in_a_stream(wire: Wire) -> None:
    got = _streamed(wire, OPENING, _chunk({"reasoning": "why"}), _chunk({}, finish="stop"))
    assert got[1]["choices"][0]["delta"] == {"reasoning_content": "why"}


ARGUMENTS = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": '}}
HALVES = {
    "a text": [OPENING, _chunk({"content": "half an "})],
    "a tool call": [OPENING, _chunk({"tool_calls": [ARGUMENTS]})],
    "reasoning": [OPENING, _chunk({"reasoning_content": "well, "})],
}


# Inside a tool call it leaves a trace: test_broken_answers.py.
@pytest.mark.parametrize("half", [HALVES["a text"], HALVES["reasoning"]], ids=["a text", "reasoning"])
@pytest.mark.parametrize("end", [[], ["[DONE]"]], ids=["without a word", "as if it were done"])
def test_an_answer_that_ends_half_way_in_good_order_is_told_as_a_whole_one(
    wire: Wire, half: list[dict[str, Any]], end: list[str]
) -> None:
    got = chunks(wire.ask({"raw_chunks": [*half, *end]}, stream=True))
    assert got[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_an_answer_whose_connection_breaks_half_way_ends_with_an_error(wire: Wire, half: list[dict[str, Any]]) -> None:
    reply = {"raw_chunks": half, "fail_after_chunks": len(half), "fail": "drop"}
    told = [line for line in wire.ask(reply, stream=True).text.split("\n") if line.startswith("data:")]
    assert json.loads(told[-1].removeprefix("data:"))["error"]["type"] == "server_error"


def test_a_response_that_ends_half_way_is_told_as_failed(wire: Wire) -> None:
    begun = {"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m", "output": []}
    sent = {"type": "response.created", "sequence_number": 0, "response": begun}
    told = wire.ask(
        {"raw_chunks": [sent]},
        path="/responses",
        stream=True,
        messages=None,
        input="mark-of-a-half-answer",
        mark="mark-of-a-half-answer",
    )
    assert "response.failed" in told.text.split("\n\n")[-2]


def test_a_stop_after_tool_calls_is_called_tool_calls(wire: Wire) -> None:
    reply = {"tool_calls": [{"name": "f", "arguments": {}}], "finish_reason": "stop"}
    assert wire.ask(reply).json()["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_choice_without_tools_is_lost(wire: Wire, mark: str) -> None:
    wire.ask(mark=mark, tool_choice="none").raise_for_status()
    [sent] = wire.provider.requests(contains=mark)
    assert "tool_choice" not in sent["body"]


def test_the_choice_of_a_custom_tool_is_refused(wire: Wire) -> None:
    tool = {"type": "custom", "custom": {"name": "c"}}
    refused = wire.ask({"content": "a"}, tools=[tool], tool_choice=tool)
    assert (refused.status_code, "tool_choice" in refused.json()["error"]["message"]) == (400, True)


def test_a_developer_becomes_the_system_for_a_model_that_does_not_reason(wire: Wire, mark: str) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": mark}]
    wire.ask(mark=mark, messages=messages).raise_for_status()
    [sent] = wire.provider.requests(contains=mark)
    assert [message["role"] for message in sent["body"]["messages"]] == ["system", "user"]


def test_a_field_that_the_model_does_not_know_is_a_400(wire: Wire) -> None:
    refused = wire.ask({"content": "a"}, model="o3", parallel_tool_calls=False)
    assert (refused.status_code, "parallel_tool_calls" in refused.json()["error"]["message"]) == (400, True)
