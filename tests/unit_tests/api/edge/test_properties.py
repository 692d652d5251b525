"""Whatever bytes come as a body: an object that fits, or an error of the request's that can be told."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message

from api.dialects.openai import render
from api.edge import read_json_object, validate
from api.edge.bytes_in_flight import BytesInFlightMiddleware, Held
from api.errors import APIError, InvalidRequest
from api.protocol import ChatCompletionRequest, CompletionRequest, EmbeddingRequest, ResponseRequest, WireModel
from tests.support.growth import assert_linear
from tests.support.properties import FEW, any_json

LIMIT = 50_000_000
MODELS: list[type[WireModel]] = [ChatCompletionRequest, CompletionRequest, EmbeddingRequest, ResponseRequest]
FIELDS = sorted({name for model in MODELS for name in model.model_fields} | {"role", "content", "tools", "user"})
ODD = [
    "NaN",
    "1e999",
    "-1e999",
    "9" * 400,
    '"\\ud800"',
    '"\\u0000"',
    "[" * 300 + "]" * 300,
    '{"a":1,"a":2}',
    "-0",
    "1E400",
    "",
]
JSON = any_json(names=st.sampled_from(FIELDS))
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
TEXTS = BODIES.map(json.dumps) | st.tuples(BODIES.map(json.dumps), st.sampled_from(ODD)).map(
    lambda parts: parts[0][:-1] + (", " if len(parts[0]) > 2 else "") + '"x": ' + parts[1] + "}"
)


def _request(*reads: bytes, content_type: str = "application/json") -> Request:
    messages: list[Message] = [{"type": "http.request", "body": read, "more_body": True} for read in reads]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    state = {"held": Held(BytesInFlightMiddleware(PlainTextResponse(), limit=LIMIT))}
    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers, "state": state}, receive)


async def _read(*reads: bytes) -> dict[str, Any]:
    return await read_json_object(_request(*reads), limit=LIMIT, within=60)


def _checked(error: APIError) -> None:
    assert 400 <= error.status_code < 500
    told = json.loads(bytes(render(error).body))["error"]
    assert told["message"]
    assert set(told) == {"message", "type", "param", "code"}


@FEW
@given(TEXTS.map(str.encode) | st.binary(), st.integers(0, 50))
async def test_any_bytes_are_an_object_or_an_error_of_the_request(body: bytes, cut: int) -> None:
    try:
        read = await _read(body[:cut], body[cut:])
    except APIError as error:
        _checked(error)
    else:
        assert read == json.loads(body)


def _fault(body: dict[str, Any], model: type[WireModel]) -> InvalidRequest | None:
    try:
        validate(body, model)
    except InvalidRequest as error:
        return error
    return None


@pytest.mark.parametrize("model", MODELS)
@FEW
@given(body=BODIES)
def test_any_object_fits_or_names_what_does_not(model: type[WireModel], body: dict[str, Any]) -> None:
    if fault := _fault(body, model):
        _checked(fault)
        # Its own words say which field, to a person as to a program.
        assert fault.param
        assert fault.param in fault.message


@pytest.mark.parametrize(
    "piece",
    [b"1" * 308 + b"x", b"\\u00e9", b"\\\\", b" ", b"[", b"{", b"\xc3\xa9", b"1e9 ", b"a"],
    ids=["digits", "escapes", "backslashes", "spaces", "brackets", "braces", "umlauts", "numbers", "letters"],
)
def test_a_text_takes_time_in_proportion_to_its_length(piece: bytes) -> None:
    def read(body: bytes) -> None:
        asyncio.run(_read(body))

    assert_linear(read, lambda size: b'{"model": "m", "x": "' + piece * size + b'"}')
