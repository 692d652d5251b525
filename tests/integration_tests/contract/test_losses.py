"""What LiteLLM changes on the way and nobody after it can undo. Each test fails once LiteLLM mends it: then the row can go."""

from typing import Any

from tests.integration_tests.contract.wire import Wire, chunks

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o"}


def _chunk(delta: dict[str, Any], *, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**HEAD, "choices": [choice]}


def _streamed(wire: Wire, *sent: dict[str, Any]) -> list[dict[str, Any]]:
    return chunks(wire.ask({"raw_chunks": [*sent, "[DONE]"]}, stream=True))


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


def test_a_chunk_that_says_nothing_is_lost(wire: Wire) -> None:
    got = _streamed(wire, OPENING, _chunk({"content": ""}), _chunk({"content": "a"}), _chunk({}, finish="stop"))
    assert len(got) == 3


def test_reasoning_is_called_reasoning_content_in_a_stream(wire: Wire) -> None:
    got = _streamed(wire, OPENING, _chunk({"reasoning": "why"}), _chunk({}, finish="stop"))
    assert got[1]["choices"][0]["delta"] == {"reasoning_content": "why"}


def test_a_stop_after_tool_calls_is_called_tool_calls(wire: Wire) -> None:
    reply = {"tool_calls": [{"name": "f", "arguments": {}}], "finish_reason": "stop"}
    assert wire.ask(reply).json()["choices"][0]["finish_reason"] == "tool_calls"


def test_a_developer_becomes_the_system_for_a_model_that_does_not_reason(wire: Wire, mark: str) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": mark}]
    wire.ask(mark=mark, messages=messages).raise_for_status()
    [sent] = wire.provider.requests(contains=mark)
    assert [message["role"] for message in sent["body"]["messages"]] == ["system", "user"]
