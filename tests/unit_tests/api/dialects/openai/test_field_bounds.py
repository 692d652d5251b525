"""What an answer cannot be asked for with is named, with what the field can hold."""

from typing import Any

import pytest

from api.dialects.openai import check_chat, check_response
from api.errors import InvalidRequest

TURNS = [{"role": "user", "content": "As JSON, please."}]


def _schema(**more: Any) -> dict[str, Any]:
    fields = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": fields | more}}


NESTED = {"b": {"anyOf": [{"type": "array", "items": {"type": "object", "properties": {}}}, {"type": "null"}]}}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "temperature": ({"temperature": 7}, "temperature", "from 0 to 2"),
    "a temperature as text": ({"temperature": "1"}, "temperature", "a number"),
    "n": ({"n": 0}, "n", "an integer from 1 to 128"),
    "half an n": ({"n": 1.5}, "n", "an integer"),
    "true for n": ({"n": True}, "n", "an integer"),
    "max_tokens": ({"max_tokens": 0}, "max_tokens", "at least 1"),
    "max_completion_tokens": ({"max_completion_tokens": -1}, "max_completion_tokens", "at least 1"),
    "top_p": ({"top_p": 2}, "top_p", "from 0 to 1"),
    "penalty": ({"presence_penalty": -3}, "presence_penalty", "from -2 to 2"),
    "stop": ({"stop": ["."] * 9}, "stop", "at most 4"),
    "numbers to stop at": ({"stop": [1]}, "stop", "strings"),
    "seed": ({"seed": "7"}, "seed", "an integer"),
    "logprobs": ({"logprobs": 1}, "logprobs", "true or false"),
    "top_logprobs": ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "from 0 to 20"),
    "top_logprobs alone": ({"top_logprobs": 2}, "top_logprobs", "`logprobs`"),
    "logit_bias": ({"logit_bias": {"50256": -101}}, "logit_bias.50256", "from -100 to 100"),
    "verbosity": ({"verbosity": "loud"}, "verbosity", "low, medium, high"),
    "no schema": ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "a name and a schema"),
    "a schema without a name": (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
        "1 to 64",
    ),
    "another format": ({"response_format": {"type": "yaml"}}, "response_format.type", "json_schema"),
    "an open object": (
        {"response_format": _schema(additionalProperties=True)},
        "response_format.json_schema",
        "'additionalProperties' must be there, and false",
    ),
    "a field that may be left out": (
        {"response_format": _schema(required=[])},
        "response_format.json_schema",
        "also 'a'",
    ),
    "an object within": (
        {"response_format": _schema(properties=NESTED, required=["b"])},
        "response_format.json_schema",
        "at /properties/b/anyOf/0/items",
    ),
    "a keyword": ({"response_format": _schema(allOf=[])}, "response_format.json_schema", "'allOf' is not permitted"),
    "an array": ({"response_format": _schema(type="array")}, "response_format.json_schema", "of the type 'object'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_chat_completion_cannot_hold_is_named(case: str) -> None:
    fields, param, words = REFUSED[case]
    with pytest.raises(InvalidRequest) as raised:
        check_chat({"messages": TURNS, **fields}, "openai")
    assert raised.value.param == param
    assert words in raised.value.message


def test_json_that_no_message_speaks_of_is_refused_as_by_openai() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    with pytest.raises(InvalidRequest, match="'json'"):
        check_chat({**body, "response_format": {"type": "json_object"}}, "openai")
    check_chat({**body, "response_format": {"type": "json_object"}}, "gemini")


GOOD: list[dict[str, Any]] = [
    {},
    {"temperature": 0, "top_p": 1, "n": 1, "seed": -1, "stop": "."},
    {"temperature": 2.0, "n": 128, "stop": [".", ","], "max_tokens": 1, "logprobs": True, "top_logprobs": 0},
    dict.fromkeys(("temperature", "n", "stop", "max_tokens", "response_format", "logit_bias", "top_logprobs")),
    {"response_format": {"type": "text"}},
    {"response_format": {"type": "json_object"}},
    {"response_format": _schema()},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
    {"of_tomorrow": 7, "min_p": 9},
]


@pytest.mark.parametrize("fields", GOOD)
@pytest.mark.parametrize("provider", [None, "openai", "gemini"])
def test_what_it_can_hold_is_let_through(fields: dict[str, Any], provider: str | None) -> None:
    check_chat({"messages": TURNS, **fields}, provider)


@pytest.mark.parametrize("part", [{"required": [5, None]}, {"required": 5}, {"anyOf": 5, "required": []}])
def test_a_schema_that_is_none_is_no_failure_of_ours(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="also 'a'"):
        check_chat({"messages": TURNS, "response_format": _schema(**part)}, "openai")


def test_another_makers_rules_are_its_own() -> None:
    check_chat({"messages": TURNS, "response_format": _schema(required=[])}, "gemini")
    check_chat({"messages": TURNS, "temperature": 1.5}, "gemini")
    with pytest.raises(InvalidRequest, match="from 0 to 1"):
        check_chat({"messages": TURNS, "temperature": 1.5}, "anthropic")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 7}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"truncation": "maybe"}, "truncation"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"text": {"verbosity": "loud"}}, "text.verbosity"),
    ],
)
def test_what_a_response_cannot_hold_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        check_response({"input": "Hi", **fields}, "openai")
    assert raised.value.param == param


def test_what_a_response_can_hold_is_let_through() -> None:
    wanted = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
    check_response({"input": "Hi", "max_output_tokens": 16, "text": {"format": wanted, "verbosity": "low"}})
