"""The responses API: the SDK's types take every event, and the events come in their order."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.unit_tests.demo.provider.wire import data_of, names_of, script

ASKED: dict[str, Any] = {"model": "gpt-4o", "input": "What is a demo?"}
WEATHER: dict[str, Any] = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
REQUIRED = {
    *("error", "incomplete_details", "instructions", "metadata", "model", "output", "parallel_tool_calls"),
    *("temperature", "tool_choice", "tools", "top_p", "status", "usage"),
}


async def ask(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await http.post("/v1/responses", json=ASKED | changes)


async def streamed(http: httpx.AsyncClient, **changes: Any) -> list[dict[str, Any]]:
    answer = await ask(http, stream=True, **changes)
    events = data_of(answer.text)
    assert names_of(answer.text) == [e["type"] for e in events]
    return events


async def test_a_plain_response_has_every_field_that_the_spec_requires(http: httpx.AsyncClient) -> None:
    body = (await ask(http)).json()
    Response.model_validate(body, strict=True)
    assert set(body) >= REQUIRED
    assert body["status"] == "completed"
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"]


async def test_the_sdk_reads_the_text(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": "What is a demo?"}])
    assert "demo provider answering as gpt-4o" in answer.output_text
    assert "What is a demo?" in answer.output_text


async def test_a_text_is_streamed_in_the_specs_order(http: httpx.AsyncClient) -> None:
    events = await streamed(http)
    kinds = [e["type"].removeprefix("response.") for e in events]
    deltas = kinds.count("output_text.delta")
    assert deltas > 3
    assert kinds == [
        *["created", "in_progress", "output_item.added", "content_part.added"],
        *["output_text.delta"] * deltas,
        *["output_text.done", "content_part.done", "output_item.done", "completed"],
    ]


async def test_every_event_has_its_fields_and_its_number(http: httpx.AsyncClient) -> None:
    events = await streamed(http, tools=[WEATHER], tool_choice="required")
    events += await streamed(http)
    for item in events:
        EVENTS.validate_python(item)
    numbers = [e["sequence_number"] for e in events]
    assert numbers == [*range(numbers[1:].index(0) + 1), *range(len(numbers) - numbers[1:].index(0) - 1)]


async def test_the_deltas_make_up_the_finished_text(http: httpx.AsyncClient) -> None:
    events = await streamed(http)
    text = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == text
    assert (events[0]["response"]["usage"], events[0]["response"]["output"]) == (None, [])


async def test_a_function_call_is_streamed_in_the_specs_order(http: httpx.AsyncClient) -> None:
    await script(http, {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]})
    events = await streamed(http, tools=[WEATHER])
    assert [e["type"].removeprefix("response.") for e in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["name"], json.loads(item["arguments"])) == (
        *("function_call", "get_weather"),
        {"city": "Rome"},
    )
    assert item["call_id"].startswith("call_")


async def test_a_functions_output_is_answered_with_words(http: httpx.AsyncClient) -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "14 degrees"}
    asked = [{"role": "user", "content": "Use get_weather"}, call, result]
    body = (await ask(http, input=asked, tools=[WEATHER])).json()
    assert "14 degrees" in body["output"][0]["content"][0]["text"]


async def test_a_cut_answer_is_incomplete(http: httpx.AsyncClient) -> None:
    events = await streamed(http, max_output_tokens=16)
    response = events[-1]["response"]
    assert events[-1]["type"] == "response.incomplete"
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["usage"]["output_tokens"] == 16


class Person(BaseModel):
    name: str
    age: int


async def test_the_sdk_parses_structured_output(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.responses.parse(model="gpt-4o", input="Who?", text_format=Person)
    assert isinstance(answer.output_parsed, Person)


async def test_a_refusal_is_streamed_as_one(http: httpx.AsyncClient) -> None:
    await script(http, {"refusal": "I will not"})
    events = await streamed(http)
    assert "".join(e["delta"] for e in events if e["type"] == "response.refusal.delta") == "I will not"
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "I will not"}]


async def test_a_failure_in_mid_stream_is_an_error_event(http: httpx.AsyncClient) -> None:
    await script(http, {"chunks": ["a", "b"], "fail_after_chunks": 1, "error": {"message": "broke", "code": "x"}})
    last = (await streamed(http))[-1]
    EVENTS.validate_python(last)
    expected = {"type": "error", "sequence_number": 5, "code": "x", "message": "broke", "param": None}
    assert last == expected


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input": None}, "input"),
        ({"input": [{"role": "boss", "content": "x"}]}, "input[0].role"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"previous_response_id": "resp_x"}, "previous_response_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ],
)
async def test_bad_input_is_refused_by_its_parameter(
    http: httpx.AsyncClient, changes: dict[str, Any], param: str
) -> None:
    answer = await ask(http, **changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
