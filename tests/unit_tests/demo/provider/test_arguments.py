"""The demo model reads a tool's arguments off the question, and knows which tool a question is about."""

from typing import Any

import httpx
import pytest

from demo.provider.arguments import arguments_in, is_about

NUMBER = {"type": "object", "properties": {"input": {"type": "integer"}}, "required": ["input"]}
NAMED = {"type": "object", "properties": {"customer_name": {"type": "string"}}, "required": ["customer_name"]}
TWO = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "number"}}, "required": ["a", "b"]}
UNIT = {"type": "object", "properties": {"unit": {"type": "string", "enum": ["C", "F"]}}, "required": ["unit"]}


@pytest.mark.parametrize(
    ("question", "schema", "expected"),
    [
        ("What is the value of magic(3)? Use it.", NUMBER, {"input": 3}),
        ("Call magic(input=3).", NUMBER, {"input": 3}),
        ("Create a customer named '你好啊集团', please.", NAMED, {"customer_name": "你好啊集团"}),
        ("Add 3 and 4.5 with magic.", TWO, {"a": 3, "b": 4.5}),
        ("It's Anna's birthday.", NAMED, {}),
        ("Do it in 'K'.", UNIT, {}),
        ("Do it.", TWO, {}),
    ],
)
def test_arguments_are_read_off_the_question(question: str, schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert arguments_in(question, "magic", schema) == expected


@pytest.mark.parametrize(
    ("question", "tool", "about"),
    [
        ("What is the weather in San Francisco?", "get_weather", True),
        ("Use get_weather.", "get_weather", True),
        ("How high is the exchange rate today?", "getExchangeRate", True),
        ("Is it whether or weather?", "get_weather_forecast", False),
        ("Good morning!", "get", False),
    ],
)
def test_a_tool_is_chosen_by_what_its_name_is_about(question: str, tool: str, *, about: bool) -> None:
    assert is_about(question, tool) is about


async def test_arguments_that_the_schema_forbids_are_not_used(http: httpx.AsyncClient) -> None:
    small = {"type": "object", "properties": {"input": {"type": "integer", "maximum": 2}}, "required": ["input"]}
    asked = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "What is magic(3)?"}],
        "tools": [{"type": "function", "function": {"name": "magic", "parameters": small}}],
    }
    answer = (await http.post("/v1/chat/completions", json=asked)).json()
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"input": 0}'


async def test_json_without_a_schema_has_the_keys_that_were_asked_for(http: httpx.AsyncClient) -> None:
    question = "Tell a joke. Return JSON with 'setup' and 'punchline' keys."
    asked = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": question}],
        "response_format": {"type": "json_object"},
    }
    content = (await http.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]["content"]
    assert content.startswith('{"setup": ')
    assert '"punchline": ' in content
