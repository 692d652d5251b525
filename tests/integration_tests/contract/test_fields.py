"""Every field of OpenAI's chat completions request arrives at the provider with its value and type, through LiteLLM."""

from typing import Any

import pytest

from tests.integration_tests.contract.wire import Wire, chunks

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
LOCATION = {"type": "approximate", "approximate": {"country": "DE", "city": "Berlin"}}

FIELDS: dict[str, dict[str, Any]] = {
    "n": {"n": 2},
    "stop, one": {"stop": "END"},
    "stop, several": {"stop": ["END", "\n"]},
    "logit_bias": {"logit_bias": {"50256": -100, "11": 5}},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "seed": {"seed": 42},
    "temperature": {"temperature": 0.5, "top_p": 1},
    "penalties": {"presence_penalty": -0.5, "frequency_penalty": 2},
    "max_completion_tokens": {"max_completion_tokens": 17},
    "max_tokens": {"max_tokens": 17},
    "tools": {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
    "a tool that must be called": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
    "response_format, schema": {"response_format": JSON_SCHEMA},
    "response_format, text": {"response_format": {"type": "text"}},
    "modalities and audio": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "prediction": {"prediction": {"type": "content", "content": "what I expect"}},
    "store": {"store": False},
    "service_tier": {"service_tier": "flex"},
    "web_search_options": {"web_search_options": {"search_context_size": "low", "user_location": LOCATION}},
    "user": {"user": "u-1"},
    "safety_identifier": {"safety_identifier": "s-1"},
    "prompt_cache_key": {"prompt_cache_key": "k-1"},
    "a field of tomorrow": {"x_tomorrow": {"a": [1, 2.5, None, "ä"]}},
}
# Of models that reason, as of their makers' documentation.
REASONING_FIELDS: dict[str, dict[str, Any]] = {
    "reasoning_effort": {"reasoning_effort": "low"},
    "verbosity": {"verbosity": "low"},
    "max_completion_tokens": {"max_completion_tokens": 17},
}


def _arrived(wire: Wire, mark: str, **fields: Any) -> dict[str, Any]:
    wire.ask(mark=mark, **fields).raise_for_status()
    [sent] = wire.provider.requests(contains=mark)
    return sent["body"]  # type: ignore[no-any-return]


def _typed(value: Any) -> Any:
    """Equal only if the types are: 1 is not 1.0 here."""
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    return [_typed(item) for item in value] if isinstance(value, list) else (type(value).__name__, value)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_arrives_as_it_was_sent(wire: Wire, mark: str, field: str) -> None:
    arrived = _arrived(wire, mark, **FIELDS[field])
    assert {name: _typed(arrived.get(name)) for name in FIELDS[field]} == _typed(FIELDS[field])


@pytest.mark.parametrize("field", REASONING_FIELDS)
def test_a_reasoning_models_field_arrives_as_it_was_sent(wire: Wire, mark: str, field: str) -> None:
    arrived = _arrived(wire, mark, model="gpt-5-mini", **REASONING_FIELDS[field])
    assert {name: _typed(arrived.get(name)) for name in REASONING_FIELDS[field]} == _typed(REASONING_FIELDS[field])


def test_our_attribution_does_not_reach_the_provider(wire: Wire, mark: str) -> None:
    arrived = _arrived(wire, mark, metadata={"team": "blue"})
    assert not {"metadata", "litellm_metadata", "tags"} & set(arrived)


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
MESSAGES: dict[str, list[dict[str, Any]]] = {
    "system with a name": [{"role": "system", "content": "Be brief.", "name": "rules"}],
    "text parts": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
    "an image": [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}],
        }
    ],
    "audio": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}],
    "a file": [
        {
            "role": "user",
            "content": [
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
            ],
        }
    ],
    "a refusal": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
    "calls and their results": [
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "2"},
    ],
}


@pytest.mark.parametrize("what", MESSAGES)
def test_messages_arrive_as_they_were_sent(wire: Wire, mark: str, what: str) -> None:
    messages = [*MESSAGES[what], {"role": "user", "content": mark}]
    assert _arrived(wire, mark, messages=messages)["messages"] == messages


def test_a_developer_speaks_as_one_to_a_model_that_knows_developers(wire: Wire, mark: str) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": mark}]
    assert _arrived(wire, mark, model="o3", messages=messages)["messages"] == messages


def test_tool_calls_come_back_plain(wire: Wire) -> None:
    answer = wire.ask({"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}, tools=[TOOL]).json()
    [call] = answer["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["function"]) == ("function", {"name": "f", "arguments": '{"a": 1}'})
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


def test_tool_calls_come_back_in_deltas(wire: Wire) -> None:
    calls = [{"name": "f", "arguments": {"a": place}} for place in (1, 2)]
    got = chunks(wire.ask({"tool_calls": calls}, tools=[TOOL], stream=True))
    deltas = [call for chunk in got for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [(call["index"], call["function"].get("arguments")) for call in deltas] == [
        (0, ""),
        (0, '{"a": 1}'),
        (1, ""),
        (1, '{"a": 2}'),
    ]


def test_the_usage_has_a_chunk_of_its_own_and_is_null_before_it(wire: Wire) -> None:
    got = chunks(wire.ask(stream=True, stream_options={"include_usage": True}))
    assert (got[-1]["choices"], got[-1]["usage"]["total_tokens"] > 0) == ([], True)
    assert {str(chunk["usage"]) for chunk in got[:-1]} == {"None"}


def test_without_being_asked_for_the_usage_is_in_no_chunk(wire: Wire) -> None:
    got = chunks(wire.ask(stream=True))
    assert not [chunk for chunk in got if chunk.get("usage")]
    assert all(chunk["choices"] for chunk in got)


def test_several_streamed_choices_keep_their_places(wire: Wire) -> None:
    got = chunks(wire.ask({"chunks": ["a", "b"]}, n=2, stream=True))
    said = {
        index: "".join(
            c["delta"].get("content") or "" for chunk in got for c in chunk["choices"] if c["index"] == index
        )
        for index in (0, 1)
    }
    assert said == {0: "ab", 1: "ab"}


def test_logprobs_come_back_token_by_token(wire: Wire) -> None:
    got = chunks(wire.ask({"chunks": ["a", "b"]}, stream=True, logprobs=True, top_logprobs=1))
    tokens = [token for chunk in got for token in (chunk["choices"][0]["logprobs"] or {}).get("content") or ()]
    assert [token["token"] for token in tokens] == ["a", "b"]


def test_litellms_own_fields_go_to_those_who_ask_only(wire: Wire) -> None:
    asked = wire.ask(headers={"X-Provider-Specific-Fields": "true"}).json()
    assert "provider_specific_fields" in asked["choices"][0]
    assert "provider_specific_fields" not in wire.ask().text
