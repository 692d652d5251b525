"""A request of the Responses API as a chat completion request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.openai import chat_request, in_responses_words
from api.edge import validate
from api.errors import InvalidRequest
from api.protocol import ResponseRequest
from tests.support.properties import any_json

HELLO = {"model": "m", "input": "Hello"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}, "strict": True}
SCHEMA = {"name": "s", "schema": {"type": "object"}, "strict": True}

KINDS = st.sampled_from(
    ["message", "reasoning", "function_call", "mcp_call", "input_text", "user", "rs_raa1_1", "raa1.W10="]
)
NAMES = st.sampled_from(["type", "role", "id", "content", "summary", "text", "output", "encrypted_content", "call_id"])

SAID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing more": ({}, {}),
    "how long": ({"max_output_tokens": 77}, {"max_completion_tokens": 77}),
    "how sampled": ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "top_p": 0.5}),
    "how hard": ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
    "how wordy": ({"text": {"verbosity": "low", "format": {"type": "text"}}}, {"verbosity": "low"}),
    "as JSON": ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
    "by a schema": (
        {"text": {"format": {"type": "json_schema", "description": None, **SCHEMA}}},
        {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    ),
    "functions": (
        {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
        {
            "tools": [{"type": "function", "function": {n: v for n, v in TOOL.items() if n != "type"}}],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        },
    ),
    "one function": (
        {"tool_choice": {"type": "function", "name": "look"}},
        {"tool_choice": {"type": "function", "function": {"name": "look"}}},
    ),
    "some functions": (
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]}},
        {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
            }
        },
    ),
    "no functions": ({"tools": [], "tool_choice": "none"}, {"tool_choice": "none"}),
    "likelihoods": ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
    "likelihoods of what is said": ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    "for whom": (
        {"user": "u", "metadata": {"a": "b"}, "store": False, "service_tier": "flex", "safety_identifier": "s"},
        {"user": "u", "metadata": {"a": "b"}, "store": False, "service_tier": "flex", "safety_identifier": "s"},
    ),
    "what nobody knows": ({"prompt_cache_key": "k", "top_k": 5}, {"prompt_cache_key": "k", "top_k": 5}),
    "streamed": ({"stream": True, "stream_options": {"include_obfuscation": False}}, {"stream": True}),
    "what says nothing": (
        {"previous_response_id": None, "conversation": None, "background": False, "truncation": "auto", "text": None},
        {},
    ),
    "what is kept for later": ({"include": ["reasoning.encrypted_content"]}, {}),
}


@pytest.mark.parametrize("name", SAID)
def test_each_wish_is_said_in_the_words_of_chat_completions(name: str) -> None:
    fields, told = SAID[name]
    assert chat_request(HELLO | fields) == CHAT | told


def test_the_instructions_lead() -> None:
    led = chat_request(HELLO | {"instructions": "Be brief."})
    assert isinstance(led, dict)
    assert led["messages"] == [{"role": "system", "content": "Be brief."}, *CHAT["messages"]]


MODELS: dict[str, dict[str, Any]] = {
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": "conv_1"},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "background": {"background": True},
    "max_tool_calls": {"max_tool_calls": 3},
    "context_management": {"context_management": [{"type": "compaction"}]},
    "without input": {"input": None},
    "instructions are no text": {"instructions": [{"role": "user", "content": "x"}]},
    "web_search": {"tools": [TOOL, {"type": "web_search"}]},
    "mcp": {"tools": [{"type": "mcp", "server_label": "s"}]},
    "custom": {"tool_choice": {"type": "custom", "name": "c"}},
    "no functions": {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}},
    "grammar": {"text": {"format": {"type": "grammar"}}},
    "web_search_call": {"input": [{"type": "web_search_call"}]},
}


@pytest.mark.parametrize("named", MODELS)
def test_what_no_chat_completion_can_ask_is_the_models_and_named(named: str) -> None:
    reason = chat_request(HELLO | MODELS[named])
    assert isinstance(reason, str)
    assert named in reason


INVALID: dict[str, dict[str, Any]] = {
    "tools[0].name": {"tools": [{"type": "function", "function": {"name": "nested"}}]},
    "tool_choice.name": {"tool_choice": {"type": "function"}},
}


@pytest.mark.parametrize("param", INVALID)
def test_what_no_request_may_say_is_refused_by_its_own_name(param: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        chat_request(HELLO | INVALID[param])
    assert error.value.param == param


@pytest.mark.parametrize(
    ("param", "named"),
    [
        ("max_completion_tokens", "max_output_tokens"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("response_format.type", "text.format.type"),
        ("messages[2].content", "input"),
        ("reasoning_effort", "reasoning.effort"),
        ("temperature", "temperature"),
        ("messages_of_others", "messages_of_others"),
    ],
)
def test_an_error_names_the_field_that_was_sent(param: str, named: str) -> None:
    error = in_responses_words(InvalidRequest(f"Invalid '{param}': no.", param=param))
    assert (error.param, error.message) == (named, f"Invalid '{named}': no.")


def test_an_error_of_no_field_names_none() -> None:
    assert in_responses_words(InvalidRequest("no")).param is None


@given(item=any_json(KINDS, NAMES))
def test_whatever_an_item_is_there_is_an_answer_to_it(item: object) -> None:
    body = HELLO | {"input": [item, {"type": "function_call_output"} | (item if isinstance(item, dict) else {})]}
    try:
        validate(body, ResponseRequest)
        told = chat_request(body)
    except InvalidRequest as error:
        told = error.param or ""
    assert told
