"""A reasoned answer as Anthropic's clients read it."""

from collections.abc import Sequence
from typing import Any

import pytest

from api.context import Caller, RequestContext
from api.dialects.anthropic.signatures import SIGNATURES_LONGEST, text_of
from api.errors import UpstreamError
from api.reasoning import MessageWriter
from api.reasoning.events import End, EventType, ReasoningEvent, failure, reasoning_complete, tool_result
from api.reasoning.run import Run
from api.sse import payloads
from api.tools import ToolResult

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ONE = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
ALL = {"prompt_tokens": 250, "completion_tokens": 25, "prompt_tokens_details": {"cached_tokens": 60}}
LONG = "".join(map(chr, range(0x4E00, 0x4E00 + 900)))


def run() -> Run:
    return Run(BODY, RequestContext(Caller("c")), [], None, usage=ALL)


def planned(thought: str) -> ReasoningEvent:
    return ReasoningEvent(EventType.PLANNING, 1, {"usage": ONE}, f"{thought}\n")


def found(text: str, *, ok: bool = True) -> ReasoningEvent:
    result = ToolResult("calculate", ok=ok, text=text if ok else "", error="" if ok else text)
    return tool_result(1, 0, result, "demo")


def step(thought: str = "I look.", result: str = "42") -> list[ReasoningEvent]:
    return [
        ReasoningEvent(EventType.ITERATION_START, 1),
        planned(thought),
        ReasoningEvent(EventType.TOOL_EXECUTION_START, 1, {}, "→ calculate({})\n"),
        found(result),
        ReasoningEvent(EventType.ITERATION_COMPLETE, 1, {"usage": ONE}),
    ]


def complete(end: End = End.FINISHED) -> ReasoningEvent:
    return reasoning_complete(end, steps=1, tool_calls=1, usage=ONE, duration=1.0)


def completion(finish: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "It is 42.", **message}
    return {"id": "c", "choices": [{"index": 0, "message": said, "finish_reason": finish}]}


def chunks(finish: str = "stop", *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    said = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return [{"choices": [choice]} for choice in [*said, {"index": 0, "delta": {}, "finish_reason": finish}]]


TEXT = chunks("stop", {"role": "assistant", "content": ""}, {"content": "It is "}, {"content": "42."})


def streamed(events: Sequence[ReasoningEvent], answer: Sequence[dict[str, Any]] = TEXT) -> list[dict[str, Any]]:
    writer = MessageWriter(BODY)
    told = [writer.opening(), *map(writer.of_event, events), *map(writer.of_answer, answer), writer.closing(run())]
    return list(payloads(b"".join(told)))


def whole(events: Sequence[ReasoningEvent], answer: dict[str, Any]) -> dict[str, Any]:
    return MessageWriter(BODY).whole(answer, events, run())


def blocks(told: Sequence[dict[str, Any]]) -> list[str]:
    return [event["content_block"]["type"] for event in told if event["type"] == "content_block_start"]


def ended(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    [end] = [event for event in told if event["type"] == "message_delta"]
    return end


def test_a_step_is_a_block_of_thoughts_and_the_answer_is_text() -> None:
    content = whole([*step(), *step("I know."), complete()], completion())["content"]
    assert [block["type"] for block in content] == ["thinking", "thinking", "text"]
    assert content[0]["thinking"] == "I look.\n→ calculate({})\n← calculate: 42\n"
    assert content[-1] == {"type": "text", "text": "It is 42."}


def test_a_plain_message_is_what_its_stream_says() -> None:
    message, told = whole([*step(), complete()], completion()), streamed([*step(), complete()])
    assert blocks(told) == [block["type"] for block in message["content"]]
    assert ended(told)["usage"] == message["usage"]
    assert ended(told)["delta"]["stop_reason"] == message["stop_reason"] == "end_turn"
    assert told[-1] == {"type": "message_stop"}


def test_a_message_begins_with_what_the_first_step_read() -> None:
    start = streamed([*step(), complete()])[0]
    assert start["message"]["id"].startswith("msg_")
    assert start["message"]["usage"] == {
        "input_tokens": 40,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 0,
    }


def test_a_message_ends_with_the_sum_and_with_what_each_call_used() -> None:
    usage = ended(streamed([*step(), complete()]))["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (190, 60, 25)
    assert [(one["type"], one["input_tokens"], one["output_tokens"]) for one in usage["iterations"]] == [
        ("message", 40, 10),
        ("message", 150, 15),
    ]


def test_a_signature_keeps_more_of_a_result_than_is_shown() -> None:
    thought = whole([*step(result=LONG), complete()], completion())["content"][0]
    assert LONG not in thought["thinking"]
    assert LONG in text_of(thought["signature"], "")


def test_a_failed_call_is_kept_as_one() -> None:
    thought = whole([planned("I look."), found("no", ok=False), complete()], completion())["content"][0]
    assert text_of(thought["signature"], "").endswith("← calculate: Error: no\n")


def test_all_signatures_together_are_bounded() -> None:
    # Texts that differ, and in which nothing is said twice: packing saves little of them.
    results = ["".join(chr(0x4E00 + (n * 331 + i * 7919) % 20_000) for i in range(1_500)) for n in range(60)]
    events = [event for result in results for event in step(result=result)]
    content = whole([*events, complete()], completion())["content"]
    signatures = [block["signature"] for block in content if block["type"] == "thinking"]
    assert len(signatures) == 60
    assert sum(map(len, signatures)) < SIGNATURES_LONGEST + 60 * len("raa1.")


def test_why_it_stopped_is_a_thought_of_its_own() -> None:
    content = whole([*step(), complete(End.MAX_STEPS)], completion())["content"]
    assert content[1]["thinking"] == "(stopped: step 1 was the last one allowed)\n"
    assert content[1]["signature"].startswith("raa1.")


def test_a_step_without_a_thought_is_no_empty_block() -> None:
    events = [planned(""), ReasoningEvent(EventType.ITERATION_COMPLETE, 1), complete()]
    assert blocks(streamed(events)) == ["text"]


def test_what_the_model_thinks_before_its_answer_is_a_thought_too() -> None:
    answer = chunks("stop", {"reasoning_content": "Well."}, {"content": "It is 42."})
    assert blocks(streamed([*step(), complete()], answer)) == ["thinking", "thinking", "text"]


CALLS = [
    {"index": 0, "id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"a":'}},
    {"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "list", "arguments": ""}},
    {"index": 0, "function": {"arguments": "1}"}},
]


def test_calls_of_the_clients_tools_are_blocks_however_their_pieces_come() -> None:
    told = streamed([*step(), complete(End.TOOL_CALLS)], chunks("tool_calls", *({"tool_calls": [c]} for c in CALLS)))
    calls = [event["content_block"] for event in told if event.get("content_block", {}).get("type") == "tool_use"]
    assert [call["name"] for call in calls] == ["read", "list"]
    assert all(call["id"].startswith("toolu_") for call in calls)
    assert calls[1]["id"] == "toolu_2"
    pieces = [event["delta"]["partial_json"] for event in told if "partial_json" in event.get("delta", {})]
    assert pieces == ['{"a":1}', "{}"]
    assert ended(told)["delta"]["stop_reason"] == "tool_use"


def test_a_plain_call_is_a_block() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"a": 1}'}}
    message = whole([*step(), complete()], completion("tool_calls", content=None, tool_calls=[call]))
    assert (message["content"][-1]["input"], message["stop_reason"]) == ({"a": 1}, "tool_use")


@pytest.mark.parametrize(
    ("finish", "reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")]
)
def test_an_end_has_anthropics_word(finish: str, reason: str) -> None:
    assert whole([complete()], completion(finish))["stop_reason"] == reason


def test_a_refusal_is_said_and_named() -> None:
    message = whole([complete()], completion(content=None, refusal="I will not."))
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "I will not."}], "refusal")


def test_of_several_choices_the_first_is_the_answer() -> None:
    answer = completion()
    answer["choices"].append({"index": 1, "message": {"content": "Other."}, "finish_reason": "length"})
    message = whole([complete()], answer)
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "It is 42."}], "end_turn")


def test_a_failure_is_anthropics_event_alone() -> None:
    writer = MessageWriter(BODY)
    assert writer.of_event(failure(1, "slow down", None)) == b""
    assert writer.error_event(UpstreamError(429, {"message": "slow down"})).startswith(b"event: error\n")


def test_an_answer_without_a_step_begins_all_the_same() -> None:
    assert [event["type"] for event in streamed([], TEXT)][:2] == ["message_start", "content_block_start"]


def test_every_event_has_its_name() -> None:
    writer = MessageWriter(BODY)
    told = b"".join(map(writer.of_event, step())) + writer.closing(run())
    lines = told.decode().splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names == [event["type"] for event in payloads(told)]
