"""Chat completions as OpenAI's specification has them: every required field, also where its value is null."""

import json
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests.unit_tests.demo.provider.wire import QUESTION, ask, ask_ok, data_of, script

USER: dict[str, Any] = {"role": "user", "content": "What is a demo?"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME: dict[str, Any] = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


async def test_the_answer_says_that_it_is_a_demo_and_what_was_asked(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "What is a demo?"}]
    )
    text = answer.choices[0].message.content or ""
    assert "This is the demo provider answering as gpt-4o-mini: no provider key is set" in text
    assert "What is a demo?" in text


async def test_a_plain_answer_has_every_field_that_the_spec_requires(http: httpx.AsyncClient) -> None:
    body = await ask_ok(http)
    ChatCompletion.model_validate(body, strict=True)
    assert set(body) >= {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"}
    (choice,) = body["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert (choice["logprobs"], choice["finish_reason"]) == (None, "stop")
    assert choice["message"]["refusal"] is None
    assert "tool_calls" not in choice["message"]


async def test_usage_is_counted_with_its_details(http: httpx.AsyncClient) -> None:
    usage = (await ask_ok(http))["usage"]
    assert usage["prompt_tokens"] == 3 + 3 + 4
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert set(usage["prompt_tokens_details"]) == {"cached_tokens", "audio_tokens"}
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


async def test_tools_and_images_cost_prompt_tokens(http: httpx.AsyncClient) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}
    seen = [{"role": "user", "content": [{"type": "text", "text": "What is a demo?"}, image]}]
    plain, tools, images = [
        (await ask_ok(http, **changes))["usage"]["prompt_tokens"]
        for changes in ({}, {"tools": [WEATHER], "tool_choice": "none"}, {"messages": seen})
    ]
    assert tools > plain + 20
    assert images == plain + 85


async def test_every_chunk_has_its_nulls_and_the_role_comes_once(http: httpx.AsyncClient) -> None:
    answer = await ask(http, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, done = data_of(answer.text)
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        assert set(chunk["choices"][0]) == {"index", "delta", "logprobs", "finish_reason"}
        assert "usage" not in chunk
    assert [place for place, c in enumerate(chunks) if "role" in c["choices"][0]["delta"]] == [0]
    assert {c["choices"][0]["finish_reason"] for c in chunks[:-1]} == {None}
    assert (chunks[-1]["choices"][0]["finish_reason"], chunks[-1]["choices"][0]["delta"]) == ("stop", {})
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    assert done == "[DONE]"


async def test_a_streamed_answer_says_what_the_plain_one_says(http: httpx.AsyncClient) -> None:
    chunks = data_of((await ask(http, stream=True)).text)[:-1]
    streamed = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert streamed == (await ask_ok(http))["choices"][0]["message"]["content"]


async def test_asked_for_usage_comes_in_one_last_chunk_without_choices(http: httpx.AsyncClient) -> None:
    answer = await ask(http, stream=True, stream_options={"include_usage": True})
    *chunks, last, _done = data_of(answer.text)
    assert [c["usage"] for c in chunks] == [None] * len(chunks)
    assert last["choices"] == []
    assert last["usage"] == (await ask_ok(http))["usage"]


async def test_n_answers_are_given_and_counted(http: httpx.AsyncClient) -> None:
    one, two = await ask_ok(http), await ask_ok(http, n=2)
    assert [c["index"] for c in two["choices"]] == [0, 1]
    assert two["usage"]["completion_tokens"] == 2 * one["usage"]["completion_tokens"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_token_limit_cuts_the_answer(http: httpx.AsyncClient, name: str) -> None:
    limit: dict[str, Any] = {name: 5}
    body = await ask_ok(http, **limit)
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 5


async def test_a_stop_sequence_ends_the_answer_before_itself(http: httpx.AsyncClient) -> None:
    (choice,) = (await ask_ok(http, stop=["provider"]))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("This is the demo ", "stop")


async def test_the_fingerprint_depends_on_the_seed_alone(http: httpx.AsyncClient) -> None:
    prints = [(await ask_ok(http, seed=seed))["system_fingerprint"] for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


async def test_logprobs_cover_the_text_when_asked_for(http: httpx.AsyncClient) -> None:
    (choice,) = (await ask_ok(http, logprobs=True, top_logprobs=2))["choices"]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
    assert [len(token["top_logprobs"]) for token in tokens] == [2] * len(tokens)
    assert all(token["logprob"] < 0 for token in tokens)


async def test_a_named_tool_is_called_with_arguments_that_fit_its_schema(http: httpx.AsyncClient) -> None:
    choice_of_tool = {"type": "function", "function": {"name": "get_weather"}}
    (choice,) = (await ask_ok(http, tools=[TIME, WEATHER], tool_choice=choice_of_tool))["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    jsonschema.validate(json.loads(call["function"]["arguments"]), WEATHER["function"]["parameters"])


@pytest.mark.parametrize(("parallel", "called"), [(True, ["get_weather", "get_time"]), (False, ["get_weather"])])
async def test_tools_that_the_question_names_are_called(
    http: httpx.AsyncClient, called: list[str], *, parallel: bool
) -> None:
    messages = [{"role": "user", "content": "Please use get_weather and get_time."}]
    body = await ask_ok(http, messages=messages, tools=[WEATHER, TIME], parallel_tool_calls=parallel)
    assert [call["function"]["name"] for call in body["choices"][0]["message"]["tool_calls"]] == called


async def test_a_tool_result_is_answered_with_words(http: httpx.AsyncClient) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Use get_weather"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "14 degrees"},
    ]
    (choice,) = (await ask_ok(http, messages=messages, tools=[WEATHER]))["choices"]
    assert "14 degrees" in choice["message"]["content"]


async def test_a_streamed_tool_call_has_id_and_name_once(sdk: openai.AsyncOpenAI, http: httpx.AsyncClient) -> None:
    await script(http, {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]})
    events = data_of((await ask(http, stream=True, tools=[WEATHER])).text)[:-1]
    parts = [part for e in events for part in e["choices"][0]["delta"].get("tool_calls", [])]
    assert [("id" in part, part["function"].get("name")) for part in parts] == [(True, "get_weather"), (False, None)]
    assert json.loads("".join(part["function"]["arguments"] for part in parts)) == {"city": "Rome"}
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_scripted_refusal_is_no_content(http: httpx.AsyncClient) -> None:
    await script(http, {"refusal": "I will not"}, {"refusal": "I will not"})
    message = (await ask_ok(http))["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I will not")
    events = data_of((await ask(http, stream=True)).text)[1:-2]
    assert "".join(e["choices"][0]["delta"]["refusal"] for e in events) == "I will not"


class Person(BaseModel):
    name: str
    age: int


async def test_the_sdk_parses_structured_output(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.parse(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Who?"}], response_format=Person
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


async def test_json_mode_answers_with_json(http: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": "Say it in JSON"}]
    body = await ask_ok(http, messages=messages, response_format={"type": "json_object"})
    assert json.loads(body["choices"][0]["message"]["content"])["demo"] is True


BAD: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "no model": ({"model": None}, None, "must provide a model"),
    "no messages": ({"messages": None}, "messages", "Missing required parameter: 'messages'"),
    "empty messages": ({"messages": []}, "messages", "empty array"),
    "unknown role": ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role", "Invalid value: 'boss'"),
    "null content": ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "got null"),
    "no tool_call_id": ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "Missing"),
    "hot": ({"temperature": 3}, "temperature", "above maximum"),
    "temperature in words": ({"temperature": "hot"}, "temperature", "expected a decimal, but got a string"),
    "no answers": ({"n": 0}, "n", "below minimum"),
    "stray stream_options": ({"stream_options": {"include_usage": True}}, "stream_options", "only allowed"),
    "tool_choice alone": ({"tool_choice": "required"}, "tool_choice", "only allowed when 'tools'"),
    "nameless tool": ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing"),
    "json mode without the word": ({"response_format": {"type": "json_object"}}, "messages", "the word 'json'"),
    "unknown format": ({"response_format": {"type": "yaml"}}, "response_format.type", "Invalid value: 'yaml'"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_input_is_refused_in_openais_shape(http: httpx.AsyncClient, case: str) -> None:
    changes, param, words = BAD[case]
    answer = await ask(http, **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert set(error) == {"message", "type", "param", "code"}
    assert words in error["message"]


async def test_broken_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/chat/completions", content=b"{")
    assert (answer.status_code, "could not parse" in answer.json()["error"]["message"]) == (400, True)


async def test_a_shape_that_nobody_thought_of_gets_a_500_in_openais_shape(http: httpx.AsyncClient) -> None:
    answer = await ask(http, messages=[{"role": "assistant", "tool_calls": ["x"]}])
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions", "/api/v1/chat/completions"])
async def test_every_prefix_that_clients_use_is_served(http: httpx.AsyncClient, path: str) -> None:
    assert (await ask(http, path)).status_code == 200


async def test_unknown_paths_and_methods_are_refused_in_openais_shape(http: httpx.AsyncClient) -> None:
    unknown, wrong = await ask(http, "/v1/videos"), await http.get("/v1/chat/completions")
    assert [(a.status_code, "message" in a.json()["error"]) for a in (unknown, wrong)] == [(404, True), (405, True)]


async def test_an_answer_carries_a_request_id(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/chat/completions", json=QUESTION)).headers["x-request-id"].startswith("req_")
