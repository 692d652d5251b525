"""Responses that their provider keeps: what the caller who was given one can do with it, and nobody else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest

from local_stack.instance import Instance
from tests.support.api import running_api

MODEL = "gpt-4o-mini"
INPUT = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]


@dataclass(frozen=True)
class Callers:
    """Two callers of one server."""

    owner: openai.OpenAI
    other: openai.OpenAI


@pytest.fixture(scope="module")
def callers(directory: Path, stack: Instance, secrets: dict[str, str]) -> Iterator[Callers]:
    url, key = stack.url("litellm"), secrets["LITELLM_TEST_KEY"]
    with (
        running_api(directory, llm_base_url=url, llm_api_key=key, API_TOKENS="owner,other") as api,
        httpx.Client(trust_env=False, timeout=60) as http,
    ):
        owner, other = (
            openai.OpenAI(base_url=api.base_url, api_key=token, http_client=http, max_retries=0)
            for token in ("owner", "other")
        )
        yield Callers(owner, other)


def _streamed_id(client: openai.OpenAI) -> str:
    with client.responses.create(model=MODEL, input=f"mark-{uuid4().hex}", stream=True) as stream:
        ids = {event.response.id for event in stream if hasattr(event, "response")}
    [response_id] = ids
    return response_id


def _plain_id(client: openai.OpenAI) -> str:
    return client.responses.create(model=MODEL, input=f"mark-{uuid4().hex}").id


GIVEN: list[Callable[[openai.OpenAI], str]] = [_plain_id, _streamed_id]


@pytest.mark.parametrize("given", GIVEN)
def test_a_response_is_found_by_the_id_that_its_caller_was_given(
    callers: Callers, given: Callable[[openai.OpenAI], str]
) -> None:
    response_id = given(callers.owner)
    found = callers.owner.responses.retrieve(response_id)
    assert (found.id, found.status, found.object) == (response_id, "completed", "response")
    assert "demo provider" in found.output_text


def test_its_input_is_listed_as_asked_for(callers: Callers) -> None:
    given = callers.owner.responses.create(model=MODEL, input=INPUT)  # type: ignore[arg-type]
    page = callers.owner.responses.input_items.list(given.id, limit=1, order="asc")
    [item] = page.model_dump()["data"]
    assert (item["content"][0]["text"], page.has_more) == ("one", True)
    after = callers.owner.responses.input_items.list(given.id, after=item["id"], order="asc")
    assert [item["content"][0]["text"] for item in after.model_dump()["data"]] == ["two"]


def test_a_deleted_response_is_gone(callers: Callers) -> None:
    response_id = _plain_id(callers.owner)
    deleted = callers.owner.delete(f"/responses/{response_id}", cast_to=httpx.Response).json()
    assert deleted == {"id": response_id, "object": "response", "deleted": True}
    with pytest.raises(openai.NotFoundError) as refused:
        callers.owner.responses.retrieve(response_id)
    assert response_id in refused.value.message


def test_what_was_not_made_in_the_background_cannot_be_cancelled(callers: Callers) -> None:
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        callers.owner.responses.cancel(_plain_id(callers.owner))


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_goes_on_from_one_of_its_callers_own(callers: Callers, stream: bool) -> None:
    first = _plain_id(callers.owner)
    asked = {"model": MODEL, "input": "and?", "previous_response_id": first, "stream": stream}
    answer = callers.owner.post("/responses", cast_to=httpx.Response, body=asked)
    assert f'"previous_response_id":{json.dumps(first)}' in answer.text


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize(
    "asked",
    [
        lambda client, response_id: client.responses.retrieve(response_id),
        lambda client, response_id: client.responses.delete(response_id),
        lambda client, response_id: client.responses.cancel(response_id),
        lambda client, response_id: client.responses.input_items.list(response_id),
    ],
    ids=["get", "delete", "cancel", "input_items"],
)
def test_anothers_response_is_as_if_it_was_not_there(
    callers: Callers, asked: Callable[[openai.OpenAI, str], Any], given: Callable[[openai.OpenAI], str]
) -> None:
    response_id = given(callers.owner)
    with pytest.raises(openai.NotFoundError) as refused:
        asked(callers.other, response_id)
    with pytest.raises(openai.NotFoundError) as unknown:
        asked(callers.other, "resp_unknown")
    assert refused.value.message.replace(response_id, "resp_unknown") == unknown.value.message
    assert callers.owner.responses.retrieve(response_id).id == response_id


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("stream", [False, True])
def test_nobody_goes_on_from_anothers_response(
    callers: Callers, given: Callable[[openai.OpenAI], str], *, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        callers.other.responses.create(
            model=MODEL, input="what was said?", previous_response_id=given(callers.owner), stream=stream
        )
    assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")


def test_an_id_of_litellms_own_is_nobodys(callers: Callers) -> None:
    litellms_id, _, _ = _plain_id(callers.owner).rpartition(".")
    with pytest.raises(openai.NotFoundError):
        callers.owner.responses.retrieve(litellms_id)


def test_what_is_not_to_be_stored_is_not_found(callers: Callers) -> None:
    given = callers.owner.responses.create(model=MODEL, input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        callers.owner.responses.retrieve(given.id)


def test_a_provider_that_keeps_none_is_named(callers: Callers) -> None:
    given = callers.owner.responses.create(model="claude-haiku-4-5", input="hi")
    with pytest.raises(openai.BadRequestError, match="anthropic") as refused:
        callers.owner.responses.retrieve(given.id)
    assert refused.value.code == "responses_not_kept"


def test_what_litellm_does_not_hand_on_is_named(callers: Callers) -> None:
    response_id = _plain_id(callers.owner)
    with pytest.raises(openai.BadRequestError) as refused:
        callers.owner.responses.retrieve(response_id, include=["message.output_text.logprobs"])
    assert refused.value.param == "include"
    with pytest.raises(openai.BadRequestError) as unstreamed:
        callers.owner.get(f"/responses/{response_id}?stream=true", cast_to=httpx.Response)
    assert unstreamed.value.param == "stream"


def test_a_resumable_response_is_streamed_again_by_its_id_from_any_event(callers: Callers) -> None:
    headers = {"x-reasoning-resumable": "true"}
    with callers.owner.responses.create(model=MODEL, input="hi", stream=True, extra_headers=headers) as stream:
        told = list(stream)
    assert told[0].type == "response.created"
    response_id = told[0].response.id
    assert [event.sequence_number for event in told] == list(range(len(told)))
    with callers.owner.responses.retrieve(response_id, stream=True, starting_after=2) as again:
        assert list(again) == told[3:]
    with pytest.raises(openai.BadRequestError):
        callers.other.responses.retrieve(response_id, stream=True)
