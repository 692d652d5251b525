"""A reasoned answer as a response: every event as OpenAI's SDK has it, and the plain answer the same as the stream's end."""

from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from api.context import Caller, RequestContext
from api.dialects.openai import chat_request, is_ours, unmarked
from api.errors import APIError, UpstreamError
from api.reasoning import ResponseWriter
from api.reasoning.events import End, EventType, ReasoningEvent, reasoning_complete, tool_result
from api.reasoning.run import Run
from api.sse import payloads
from api.tools import ToolResult
from tests.support.processes import ROOT

Event = dict[str, Any]
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

ASKED = {"model": "m", "input": "What is 6 * 7?", "instructions": "Be brief.", "metadata": {"a": "b"}, "store": True}
CALLS = [
    {"index": 0, "name": "add", "arguments": '{"a":1}', "reason": "to know it"},
    {"index": 1, "name": "sub", "arguments": "{}", "reason": ""},
]
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 12,
    "total_tokens": 42,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 5},
    "cost": 0.25,
}


def _planning(thought: str, *calls: dict[str, Any]) -> ReasoningEvent:
    return ReasoningEvent(EventType.PLANNING, 1, {"thought": thought, "calls": list(calls)}, f"{thought}\n")


def _execution(*names: str) -> ReasoningEvent:
    details = {"tools": list(names), "servers": [f"{name}-server" for name in names], "concurrent": True}
    return ReasoningEvent(EventType.TOOL_EXECUTION_START, 1, details)


def _result(index: int, name: str, said: str, *, ok: bool = True) -> ReasoningEvent:
    result = ToolResult(name, ok=ok, text=said if ok else "", error="" if ok else said)
    return tool_result(1, index, result, f"{name}-server")


def _end(end: End = End.FINISHED) -> ReasoningEvent:
    return reasoning_complete(end, steps=2, tool_calls=2, usage=USAGE, duration=1.0)


LOOKED = (
    ReasoningEvent(EventType.ITERATION_START, 1),
    _planning("I look.", *CALLS),
    _execution("add", "sub"),
    _result(1, "sub", "broken", ok=False),
    _result(0, "add", "42"),
    ReasoningEvent(EventType.ITERATION_COMPLETE, 1),
    _planning("I know."),
    _end(),
)


def _run(end: End = End.FINISHED) -> Run:
    body = chat_request(ASKED)
    assert isinstance(body, dict)
    return Run(body, RequestContext(Caller("c")), [], None, usage=USAGE, steps=2, tool_calls=2, end=end)


def _writer(**fields: Any) -> ResponseWriter:
    return ResponseWriter(_run().body, asked=ASKED | fields)


def _chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}


def _called(index: int, arguments: str, **opening: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": opening.pop("name")} if opening else {})
    return {"index": index, **opening, "function": function}


HELLO = (_chunk(content="Forty"), _chunk(content="-two"), _chunk("stop"))


def _streamed(
    events: tuple[ReasoningEvent, ...], chunks: tuple[dict[str, Any], ...], **fields: Any
) -> tuple[list[Event], dict[str, Any]]:
    """All events, and the response that the last of them carries."""
    writer = _writer(**fields)
    told = [writer.opening(), *map(writer.of_event, events), *map(writer.of_answer, chunks), writer.closing(_run())]
    read = list(payloads(b"".join(told)))
    return read, read[-1]["response"]


def _types(events: list[Event]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


ANSWERS: dict[str, tuple[dict[str, Any], ...]] = {
    "text": HELLO,
    "a refusal": (_chunk(refusal="I will"), _chunk(refusal=" not."), _chunk("stop")),
    "both": (_chunk(content="Well."), _chunk(refusal="No."), _chunk("stop")),
    "nothing": (_chunk("stop"),),
    "thoughts first": (_chunk(reasoning_content="Hm"), _chunk(reasoning_content="."), *HELLO),
    "calls": (
        _chunk(content="Wait."),
        _chunk(tool_calls=[_called(0, "", id="call_1", name="look")]),
        _chunk(tool_calls=[_called(0, '{"a":')]),
        _chunk(tool_calls=[_called(0, "1}"), _called(1, "{}", id="call_2", name="see")]),
        _chunk("tool_calls"),
    ),
    "cut off": (_chunk(content="Forty"), _chunk("length")),
    "filtered": (_chunk("content_filter"),),
    "with likelihoods": (
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": "Hi"},
                    "logprobs": {
                        "content": [
                            {
                                "token": "Hi",
                                "logprob": -0.1,
                                "bytes": [72, 105],
                                "top_logprobs": [{"token": "Ho", "logprob": -2.0, "bytes": [72, 111]}],
                            }
                        ]
                    },
                }
            ]
        },
        _chunk("stop"),
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_event_is_one_of_the_sdks(name: str) -> None:
    events, _ = _streamed(LOOKED, ANSWERS[name], include=["reasoning.encrypted_content"])
    assert [EVENT.validate_python(event).type for event in events] == [event["type"] for event in events]


@pytest.mark.parametrize("name", ANSWERS)
def test_events_are_numbered_and_items_stand_where_they_were_begun(name: str) -> None:
    events, response = _streamed(LOOKED, ANSWERS[name])
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in added] == list(range(len(added)))
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert [done[place] for place in sorted(done)] == response["output"]
    assert [event["item"]["id"] for event in added] == [item["id"] for item in response["output"]]
    for event in events:
        if "item_id" in event:
            assert event["item_id"] == response["output"][event["output_index"]]["id"]


def _without_names(response: Any) -> Any:
    """Less what is made up anew for each response."""
    if isinstance(response, dict):
        made = ("id", "created_at", "completed_at", "call_id")
        return {name: _without_names(value) for name, value in response.items() if name not in made}
    return list(map(_without_names, response)) if isinstance(response, list) else response


def _whole(chunks: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """The completion that these chunks would tell."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": message}
    for chunk in chunks:
        [one] = chunk["choices"]
        choice |= {name: one[name] for name in ("finish_reason", "logprobs") if one.get(name)}
        for name, value in one["delta"].items():
            if name == "tool_calls":
                calls = message.setdefault(name, [])
                for call in value:
                    if call.get("id"):
                        calls.append(
                            {"id": call["id"], "function": {"name": call["function"]["name"], "arguments": ""}}
                        )
                    calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
            else:
                message[name] = (message.get(name) or "") + value
    return {"choices": [choice]}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_plain_answer_is_what_its_stream_ends_with(name: str) -> None:
    _, response = _streamed(LOOKED, ANSWERS[name])
    plain = _writer().whole(_whole(ANSWERS[name]), LOOKED, _run())
    assert _without_names(plain) == _without_names(response)
    Response.model_validate(plain)


def test_a_step_is_a_reasoning_item_and_each_of_its_calls_an_item_of_its_own() -> None:
    events, response = _streamed(LOOKED, HELLO)
    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["reasoning", "mcp_call", "mcp_call", "reasoning", "message"]
    assert _types(events)[2:12] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "content_part.added",
        "reasoning_summary_text.delta",
        "reasoning_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]
    calls = ["output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done"]
    assert _types(events)[12:24] == [
        *calls,
        *calls,
        "mcp_call.failed",
        "output_item.done",
        "mcp_call.completed",
        "output_item.done",
    ]


def test_a_call_says_what_was_called_and_what_came_of_it() -> None:
    _, response = _streamed(LOOKED, HELLO)
    told = [
        [item[name] for name in ("name", "server_label", "arguments", "output", "error", "status")]
        for item in response["output"][1:3]
    ]
    assert told == [
        ["add", "add-server", '{"a":1}', "42", None, "completed"],
        ["sub", "sub-server", "{}", None, "broken", "failed"],
    ]


def test_a_person_reads_why_each_call_is_made() -> None:
    _, response = _streamed(LOOKED, HELLO)
    thought = response["output"][0]
    assert unmarked(thought["summary"][0]["text"]) == "I look.\n\nadd: to know it"
    assert unmarked(thought["content"][0]["text"]) == "I look."


def test_what_was_added_is_recognised_when_it_comes_back() -> None:
    _, response = _streamed(LOOKED, HELLO)
    assert [is_ours(item) for item in response["output"]] == [True] * 4 + [False]
    bare = {name: value for name, value in response["output"][0].items() if name != "id"}
    assert is_ours(bare)


def test_what_was_found_goes_with_the_next_thought_of_a_client_that_asks_for_it() -> None:
    _, response = _streamed(LOOKED, ANSWERS["calls"], include=["reasoning.encrypted_content"])
    kept = [item for item in response["output"] if item["type"] != "mcp_call"]
    results = [{"type": "function_call_output", "call_id": f"call_{n}", "output": "x"} for n in (1, 2)]
    back = chat_request({"model": "m", "input": [{"role": "user", "content": "q"}, *kept, *results]})
    assert isinstance(back, dict)
    _, turn, *_ = back["messages"]
    assert '"result": "42"' in turn["content"]
    assert '"result": "broken"' in turn["content"]
    assert turn["content"].endswith("I know.\n\nWait.")
    assert [call["function"]["name"] for call in turn["tool_calls"]] == ["look", "see"]


def test_nothing_is_carried_for_a_client_that_does_not_ask() -> None:
    _, response = _streamed(LOOKED, HELLO)
    assert not [item for item in response["output"] if "encrypted_content" in item]


def test_a_call_that_the_end_cuts_off_has_failed() -> None:
    cut = (_planning("I look.", *CALLS), _execution("add", "sub"), _result(0, "add", "42"), _end(End.MAX_SECONDS))
    _, response = _streamed(cut, HELLO)
    assert [item.get("status") for item in response["output"]] == [None, "completed", "failed", None, "completed"]
    assert "stopped before" in response["output"][2]["error"]
    assert unmarked(response["output"][3]["summary"][0]["text"]) == "(stopped: the time is up, after 1 s)"


def test_a_call_that_was_not_made_is_told_with_its_reason() -> None:
    events, response = _streamed((_planning("Again.", *CALLS), _result(0, "add", "not made", ok=False)), HELLO)
    assert [item["type"] for item in response["output"]] == ["reasoning", "mcp_call", "message"]
    assert response["output"][1]["error"] == "not made"
    assert "mcp_call.failed" in _types(events)


def test_a_clients_own_tools_are_no_calls_of_ours() -> None:
    planned = _planning("I look.", CALLS[0], {"index": 1, "name": "look", "arguments": "{}", "reason": ""})
    _, response = _streamed((planned, _execution("add"), _result(0, "add", "42"), _end()), ANSWERS["calls"])
    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["reasoning", "mcp_call", "message", "function_call", "function_call"]
    assert [item["arguments"] for item in response["output"][3:]] == ['{"a":1}', "{}"]
    assert [item["call_id"] for item in response["output"][3:]] == ["call_1", "call_2"]
    assert response["status"] == "completed"


def test_the_response_says_what_was_asked_and_how_it_ended() -> None:
    _, response = _streamed(LOOKED, HELLO, tools=[], temperature=0.5, reasoning={"effort": "low"})
    asked = {"instructions": "Be brief.", "temperature": 0.5, "top_p": 1.0, "tool_choice": "auto", "tools": []}
    assert {name: response[name] for name in asked} == asked
    assert response["reasoning"] == {"effort": "low", "summary": None}
    assert response["text"] == {"format": {"type": "text"}}
    assert response["metadata"] == {
        "a": "b",
        "reasoning_end": "finished",
        "reasoning_steps": "2",
        "reasoning_tool_calls": "2",
    }


def test_nothing_is_stored_and_the_response_says_so() -> None:
    _, response = _streamed(LOOKED, HELLO)
    assert response["store"] is False


def test_the_usage_is_that_of_all_calls() -> None:
    _, response = _streamed(LOOKED, HELLO)
    assert response["usage"] == {
        "input_tokens": 30,
        "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
        "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 42,
        "cost": 0.25,
    }


@pytest.mark.parametrize(
    ("name", "end", "reason"),
    [
        ("text", "completed", None),
        ("calls", "completed", None),
        ("cut off", "incomplete", {"reason": "max_output_tokens"}),
        ("filtered", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_the_last_event_is_the_end_that_it_was(name: str, end: str, reason: Mapping[str, str] | None) -> None:
    events, response = _streamed(LOOKED, ANSWERS[name])
    assert (events[-1]["type"], response["status"], response["incomplete_details"]) == (f"response.{end}", end, reason)
    assert (response["completed_at"] is not None) is (end == "completed")
    assert response["output"][-1]["status"] == end


def test_a_failure_ends_the_stream_with_what_there_was() -> None:
    writer = _writer()
    error: APIError = UpstreamError(429, {"message": "slow down", "code": "rate_limit_exceeded"})
    told = [writer.opening(), *map(writer.of_event, LOOKED[:5]), writer.error_event(error)]
    events = list(payloads(b"".join(told)))
    last = EVENT.validate_python(events[-1])
    assert (last.type, last.sequence_number, last.response.status) == ("response.failed", len(events) - 1, "failed")
    assert (last.response.error.code, last.response.error.message) == ("rate_limit_exceeded", "slow down")
    assert [item.type for item in last.response.output] == ["reasoning", "mcp_call", "mcp_call"]


def test_an_event_that_only_says_that_the_stream_lives_has_its_number_too() -> None:
    writer = _writer()
    told = [writer.opening(), writer.keepalive, writer.of_event(LOOKED[1]), writer.keepalive, writer.keepalive]
    events = list(payloads(b"".join(told)))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [EVENT.validate_python(event).type for event in events[-2:]] == ["response.in_progress"] * 2


def test_the_documented_stream_is_the_real_one() -> None:
    text = (ROOT / "docs" / "reasoning.md").read_text(encoding="utf-8")
    shown = text.partition("## On `/v1/responses`")[2].partition("```text\n")[2].partition("```")[0]
    call = {"index": 0, "name": "calculate", "arguments": "{}", "reason": ""}
    looked = (
        _planning("I need the product exactly.", call),
        _execution("calculate"),
        _result(0, "calculate", "1024"),
        _planning("I know enough."),
        _end(),
    )
    events, _ = _streamed(looked, (_chunk(content="1024."), _chunk("stop")))
    assert [line.split()[0] for line in shown.splitlines()] == [event["type"] for event in events]
