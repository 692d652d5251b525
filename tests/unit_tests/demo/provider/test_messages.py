"""Anthropic's messages, on the raw wire: fields, events in their order, errors in Anthropic's shape."""

import json
from typing import Any

import httpx
import pytest

from tests.unit_tests.demo.provider.wire import data_of, names_of, requests, script

ASKED: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "What is a demo?"}],
}
VERSION = {"anthropic-version": "2023-06-01"}
KEY = {"x-api-key": "sk-caller"}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def ask(http: httpx.AsyncClient, *betas: str, **changes: Any) -> httpx.Response:
    headers = VERSION | KEY | {"anthropic-beta": ",".join(betas)}
    return await http.post("/v1/messages", json=ASKED | changes, headers=headers)


async def streamed(http: httpx.AsyncClient, **changes: Any) -> list[dict[str, Any]]:
    answer = await ask(http, stream=True, **changes)
    events = data_of(answer.text)
    assert names_of(answer.text) == [e["type"] for e in events]
    return events


async def test_a_plain_message_has_every_field_that_the_spec_requires(http: httpx.AsyncClient) -> None:
    answer = await ask(http)
    body = answer.json()
    assert body.pop("id").startswith("msg_")
    (block,) = body.pop("content")
    usage = body.pop("usage")
    assert body == {
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }
    assert (block["type"], "demo provider answering as claude-sonnet-4-5" in block["text"]) == ("text", True)
    assert set(usage) >= {
        *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "service_tier"),
    }
    assert answer.headers["request-id"].startswith("req_")


async def test_a_text_is_streamed_in_the_specs_order(http: httpx.AsyncClient) -> None:
    events = await streamed(http)
    kinds = [e["type"] for e in events]
    deltas = kinds.count("content_block_delta")
    assert kinds == [
        *["message_start", "content_block_start", "ping"],
        *["content_block_delta"] * deltas,
        *["content_block_stop", "message_delta", "message_stop"],
    ]
    opening = events[0]["message"]
    assert (opening["content"], opening["stop_reason"], opening["stop_sequence"]) == ([], None, None)
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


async def test_stream_and_plain_answer_agree_in_text_and_usage(http: httpx.AsyncClient) -> None:
    plain, events = (await ask(http)).json(), await streamed(http)
    text = "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta")
    assert text == plain["content"][0]["text"]
    assert events[0]["message"]["usage"]["input_tokens"] == plain["usage"]["input_tokens"]
    assert events[-2]["usage"]["output_tokens"] == plain["usage"]["output_tokens"]


async def test_a_forced_tool_is_used_with_input_that_fits(http: httpx.AsyncClient) -> None:
    body = (await ask(http, tools=[WEATHER], tool_choice={"type": "tool", "name": "get_weather"})).json()
    (block,) = body["content"]
    assert (body["stop_reason"], block["type"], block["name"]) == ("tool_use", "tool_use", "get_weather")
    assert block["id"].startswith("toolu_")
    assert list(block["input"]) == ["city"]


async def test_a_tool_use_is_streamed_as_json_parts(http: httpx.AsyncClient) -> None:
    await script(http, {"content": "Well.", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]})
    events = await streamed(http, tools=[WEATHER])
    starts = [(e["index"], e["content_block"]["type"]) for e in events if e["type"] == "content_block_start"]
    parts = [e["delta"]["partial_json"] for e in events if e.get("delta", {}).get("type") == "input_json_delta"]
    assert starts == [(0, "text"), (1, "tool_use")]
    assert json.loads("".join(parts)) == {"city": "Rome"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_a_tools_result_is_answered_with_words(http: httpx.AsyncClient) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Rome"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "14 degrees"}]}
    conversation = [
        {"role": "user", "content": "Use get_weather"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    body = (await ask(http, messages=conversation, tools=[WEATHER])).json()
    assert "14 degrees" in body["content"][0]["text"]


@pytest.mark.parametrize("place", ["output_format", "output_config"])
async def test_structured_output_satisfies_the_schema(http: httpx.AsyncClient, place: str) -> None:
    wanted = {"type": "json_schema", "schema": WEATHER["input_schema"]}
    format_ = wanted if place == "output_format" else {"format": wanted}
    body = (await ask(http, "structured-outputs-2025-11-13", **{place: format_})).json()
    assert list(json.loads(body["content"][0]["text"])) == ["city"]


async def test_the_token_limit_and_stop_sequences_are_named_as_the_reason(http: httpx.AsyncClient) -> None:
    cut, stopped = (await ask(http, max_tokens=5)).json(), (await ask(http, stop_sequences=["provider"])).json()
    assert (cut["stop_reason"], cut["usage"]["output_tokens"]) == ("max_tokens", 5)
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "provider")


async def test_counted_tokens_are_those_that_the_answer_is_charged_with(http: httpx.AsyncClient) -> None:
    asked = {name: value for name, value in ASKED.items() if name != "max_tokens"}
    counted = (await http.post("/v1/messages/count_tokens", json=asked, headers=VERSION | KEY)).json()
    assert counted == {"input_tokens": (await ask(http)).json()["usage"]["input_tokens"]}


async def test_a_failure_in_mid_stream_is_an_error_event(http: httpx.AsyncClient) -> None:
    error = {"type": "overloaded_error", "message": "busy"}
    await script(http, {"chunks": ["a", "b"], "fail_after_chunks": 1, "error": error})
    events = await streamed(http)
    assert [e["type"] for e in events[-2:]] == ["content_block_delta", "error"]
    assert events[-1]["error"] == error


async def test_anthropics_headers_are_read_back_unchanged(http: httpx.AsyncClient) -> None:
    headers = VERSION | {"anthropic-beta": "a-2025,b-2025"}
    await http.post("/v1/messages", json=ASKED, headers=headers | KEY)
    (seen,) = await requests(http, path="/v1/messages")
    assert {name: seen["headers"][name] for name in headers} == headers


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "system", "content": "x"}]}, "top-level `system` parameter"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"tools": [{"name": "x"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tool_choice": {"type": "tool", "name": "x"}}, "Tool 'x' not found"),
    ],
)
async def test_bad_input_is_refused_in_anthropics_shape(
    http: httpx.AsyncClient, changes: dict[str, Any], words: str
) -> None:
    answer = await ask(http, **changes)
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
    assert words in body["error"]["message"]


async def test_a_request_without_a_version_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/messages", json=ASKED, headers=KEY)
    assert answer.json()["error"]["message"] == "anthropic-version: header is required"


async def test_a_scripted_status_gets_anthropics_error_type(http: httpx.AsyncClient) -> None:
    await script(http, {"status": 529})
    answer = await ask(http)
    assert (answer.status_code, answer.json()["error"]["type"]) == (529, "overloaded_error")
