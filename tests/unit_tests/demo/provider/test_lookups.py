"""Embeddings, models, the older completions, and health."""

import base64
from array import array
from typing import Any

import httpx
import openai
import pytest
from openai.types import Completion

from demo.provider.embeddings import vector
from tests.unit_tests.demo.provider.wire import data_of

TEXT: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time"}


async def test_the_sdk_reads_embeddings_in_the_models_size(sdk: openai.AsyncOpenAI) -> None:
    small = await sdk.embeddings.create(model="text-embedding-3-small", input=["one text", "another"])
    large = await sdk.embeddings.create(model="text-embedding-3-large", input="one text")
    assert [len(item.embedding) for item in [*small.data, *large.data]] == [1536, 1536, 3072]
    assert (small.usage.prompt_tokens, small.usage.total_tokens) == (4, 4)


async def test_base64_and_floats_are_the_same_vector(http: httpx.AsyncClient) -> None:
    asked = {"model": "text-embedding-3-small", "input": "one text", "dimensions": 8}
    floats = (await http.post("/v1/embeddings", json=asked)).json()["data"][0]["embedding"]
    coded = await http.post("/v1/embeddings", json=asked | {"encoding_format": "base64"})
    decoded = array("f", base64.b64decode(coded.json()["data"][0]["embedding"]))
    assert list(decoded) == pytest.approx(floats)


def test_texts_with_words_in_common_lie_closer_than_others() -> None:
    cat, kitten, tax = (vector(text, 256) for text in ("the cat sleeps", "a cat sleeps", "income duties"))
    assert (
        sum(a * b for a, b in zip(cat, kitten, strict=True)) > 0.5 > sum(a * b for a, b in zip(cat, tax, strict=True))
    )


async def test_an_empty_input_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": ""})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


async def test_models_are_listed_in_openais_shape(sdk: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in await sdk.models.list()]
    assert {"gpt-4o-mini", "claude-sonnet-4-5"} <= set(names)
    assert (await sdk.models.retrieve("any/model")).id == "any/model"


async def test_models_are_listed_in_anthropics_shape_for_its_clients(http: httpx.AsyncClient) -> None:
    body = (await http.get("/v1/models", headers={"anthropic-version": "2023-06-01"})).json()
    assert (body["has_more"], body["data"][0]["type"], body["first_id"]) == (False, "model", body["data"][0]["id"])


async def test_a_text_completion_has_its_fields_and_its_default_limit(http: httpx.AsyncClient) -> None:
    body = (await http.post("/v1/completions", json=TEXT)).json()
    Completion.model_validate(body, strict=True)
    (choice,) = body["choices"]
    assert (choice["logprobs"], choice["finish_reason"], body["usage"]["completion_tokens"]) == (None, "length", 16)


async def test_a_streamed_text_completion_says_what_the_plain_one_says(http: httpx.AsyncClient) -> None:
    plain = (await http.post("/v1/completions", json=TEXT | {"max_tokens": 200})).json()
    answer = await http.post("/v1/completions", json=TEXT | {"max_tokens": 200, "stream": True})
    *chunks, done = data_of(answer.text)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == plain["choices"][0]["text"]
    assert (chunks[-1]["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")


async def test_health_is_served_without_a_prefix(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}
