"""A schema that is told in words is followed: with JSON mode, in a fence, or bare, wherever it is told."""

import json
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from tests.unit_tests.demo.provider.wire import ask, ask_ok


class Address(BaseModel):
    street: str
    zip_codes: list[int]


class Person(BaseModel):
    name: str
    age: int
    address: Address


SCHEMA = json.dumps(Person.model_json_schema(), indent=2)
TOLD = (
    f"Give the parsed object as JSON that matches this json_schema:\n\n{SCHEMA}\n\nAn instance, not the schema itself."
)
QUESTION = {"role": "user", "content": "Ada lives in London."}
JSON_MODE: dict[str, Any] = {"response_format": {"type": "json_object"}}


async def reply(http: httpx.AsyncClient, *messages: dict[str, Any], **changes: Any) -> str:
    body = await ask_ok(http, messages=list(messages), **changes)
    return str(body["choices"][0]["message"]["content"])


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_json_mode_follows_the_schema_of_the_system_message(http: httpx.AsyncClient) -> None:
    Person.model_validate_json(await reply(http, system(TOLD), QUESTION, **JSON_MODE), strict=True)


@pytest.mark.parametrize("role", ["system", "developer"])
async def test_without_json_mode_it_is_followed_too(http: httpx.AsyncClient, role: str) -> None:
    Person.model_validate_json(await reply(http, {"role": role, "content": TOLD}, QUESTION), strict=True)


@pytest.mark.parametrize(
    "asked",
    [
        "Return the right JSON within a ```json codeblock.",
        "Answer with valid JSON in a Markdown code block.",
        "Put the JSON you return into a fenced block.",
    ],
)
async def test_a_fence_is_put_where_it_is_asked_for(http: httpx.AsyncClient, asked: str) -> None:
    text = await reply(http, system(TOLD), QUESTION, user(asked))
    assert (text.startswith("```json\n"), text.endswith("\n```")) == (True, True)
    Person.model_validate_json(text.removeprefix("```json\n").removesuffix("\n```"), strict=True)


@pytest.mark.parametrize(
    "told",
    [
        f"{TOLD} Do not put it into a Markdown fence.",
        f"Always respond with a JSON object of this schema:\n{SCHEMA}\nNo text before it, no markdown code block around it.",
        f"The output has to be JSON that conforms to the schema below.\n```\n{SCHEMA}\n```",
        f"Respond with JSON of this schema:\n```json\n{SCHEMA}\n```",
    ],
    ids=["forbidden", "none", "around the schema", "around the schema, named"],
)
async def test_no_fence_where_none_is_asked_for(http: httpx.AsyncClient, told: str) -> None:
    Person.model_validate_json(await reply(http, system(told), QUESTION), strict=True)


async def test_a_users_own_message_may_tell_it(http: httpx.AsyncClient) -> None:
    Person.model_validate_json(await reply(http, user(f"Who is Ada? {TOLD}")), strict=True)


async def test_the_last_schema_counts_because_the_first_may_be_an_example(http: httpx.AsyncClient) -> None:
    example = 'For the schema {"properties": {"foo": {"type": "string"}}, "required": ["foo"]} it is {"foo": "bar"}.'
    Person.model_validate_json(await reply(http, user(f"{example}\n{TOLD}")), strict=True)


async def test_a_list_is_given_where_a_list_is_described(http: httpx.AsyncClient) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    found = json.loads(await reply(http, system(f"Reply with JSON of the schema {json.dumps(schema)}"), QUESTION))
    assert [type(item) for item in found] == [int, int]


async def test_what_the_question_quotes_and_counts_goes_into_the_fields(http: httpx.AsyncClient) -> None:
    found = json.loads(await reply(http, system(TOLD), user("“Ada” is 36."), **JSON_MODE))
    assert (found["name"], found["age"]) == ("Ada", 36)


async def test_whoever_asks_about_a_schema_is_answered_in_words(http: httpx.AsyncClient) -> None:
    assert "You asked" in await reply(http, user(f"What is wrong with this? {SCHEMA}"))


async def test_what_is_no_valid_schema_is_passed_over(http: httpx.AsyncClient) -> None:
    answer = await ask(http, messages=[system('Reply with JSON: {"properties": {"a": 5}}'), QUESTION], **JSON_MODE)
    assert (answer.status_code, json.loads(answer.json()["choices"][0]["message"]["content"])["demo"]) == (200, True)


async def test_the_responses_api_follows_it_too(http: httpx.AsyncClient) -> None:
    body = {"model": "gpt-4o", "instructions": TOLD, "input": "Ada", "text": {"format": {"type": "json_object"}}}
    answer = (await http.post("/v1/responses", json=body)).json()
    Person.model_validate_json(answer["output"][0]["content"][0]["text"], strict=True)


async def test_anthropics_api_follows_it_too(http: httpx.AsyncClient) -> None:
    body = {"model": "claude-haiku-4-5", "max_tokens": 500, "system": TOLD, "messages": [QUESTION]}
    answer = (
        await http.post(
            "/v1/messages", json=body, headers={"anthropic-version": "2023-06-01", "x-api-key": "sk-caller"}
        )
    ).json()
    Person.model_validate_json(answer["content"][0]["text"], strict=True)
