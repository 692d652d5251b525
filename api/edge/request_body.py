"""Bytes of a request → a JSON object that holds what it must, or an error that names the field."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import ClientDisconnect, Request

from api.edge.bytes_in_flight import hold
from api.edge.content_coding import CodingTooLarge, codings, decoded
from api.edge.headers import headers_of, text_of
from api.edge.incoming import incoming_of
from api.edge.json_bounds import check_raw, check_values
from api.edge.request_bounds import check_bounds
from api.errors import InvalidRequest, RequestTimeout, RequestTooLarge, UnsupportedMediaType
from api.protocol import NO_FORM, ChatCompletionRequest, is_plain_chat

_MISSING = "missing_required_parameter"
# What was not read stays in the connection, so it cannot carry another request.
_CLOSE = {"connection": "close"}
_TYPE_NAMES = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


async def read_json_object(request: Request, *, limit: int, within: float) -> dict[str, Any]:
    """The body as a JSON object, its numbers and strings as they were sent; `limit` is in decoded bytes, `within` in seconds.

    Raises:
        UnsupportedMediaType, RequestTooLarge, RequestTimeout, InvalidRequest: what is wrong with the bytes.
    """
    headers = headers_of(request.scope)
    if headers.get(b"content-type") != b"application/json":
        _check_media_type(text_of(headers, b"content-type") or "")
    applied = codings(request.headers.getlist("content-encoding")) if b"content-encoding" in headers else ()
    raw = await _read_in_time(request, applied, limit, within)
    hold(request, len(raw))
    check_raw(raw)
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The body of the request is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body of the request must be a JSON object.", code="invalid_type")
    check_values(body)
    return body


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("Send the request as JSON, with the header `Content-Type: application/json`.")


def validate(body: dict[str, Any], model: type[BaseModel]) -> None:
    """Checks that the body holds what `model` says, and no more than `request_bounds` says.

    Raises:
        InvalidRequest: naming the first field that does not fit, as OpenAI does.
    """
    check_bounds(body)
    if model is ChatCompletionRequest and is_plain_chat(body):
        return
    try:
        model.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=True)[0]
        raise _fits_no_form(fault, model) or _invalid(fault) from None


async def _read_in_time(request: Request, applied: Sequence[str], limit: int, within: float) -> bytes:
    declared = headers_of(request.scope).get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    if not applied and (incoming := incoming_of(request.scope)) is not None and incoming.is_whole:
        return await _whole(request, limit)
    try:
        async with asyncio.timeout(within):
            if not applied:
                return await _whole(request, limit)
            body = _at_most(request.stream(), limit)
            return await _joined(_at_most(decoded(body, applied, most=limit), limit))
    except CodingTooLarge:
        raise _too_large(limit) from None
    except TimeoutError:
        raise RequestTimeout(
            f"The body of the request did not arrive within {within:g} s (REQUEST_BODY_TIMEOUT).", headers=_CLOSE
        ) from None


async def _whole(request: Request, limit: int) -> bytes:
    """Most bodies come in one piece."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _joined(body: AsyncGenerator[bytes, None]) -> bytes:
    async with aclosing(body):
        return b"".join([chunk async for chunk in body])


async def _at_most(body: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The body of the request is larger than the {limit} bytes that this server accepts (MAX_REQUEST_BYTES).",
        headers=_CLOSE,
    )


def _fits_no_form(fault: ErrorDetails, model: type[BaseModel]) -> InvalidRequest | None:
    """A field that may take several forms says in its description which; pydantic would tell of the first one alone."""
    name = str(fault["loc"][0])
    forms = model.model_fields[name].description if name in model.model_fields and len(fault["loc"]) > 1 else None
    if forms is None:
        return None
    return InvalidRequest(f"Invalid type for '{name}': expected {forms}.", param=name, code="invalid_type")


def _invalid(fault: ErrorDetails) -> InvalidRequest:
    param = _path([part for part in fault["loc"] if not str(part).startswith("<")])
    if fault["type"] == "missing":
        return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code=_MISSING)
    if expected := fault["msg"] if fault["type"] == NO_FORM else _TYPE_NAMES.get(fault["type"]):
        got = _type_name(fault["input"])
        return InvalidRequest(
            f"Invalid type for '{param}': expected {expected}, but got {got}.", param=param, code="invalid_type"
        )
    return InvalidRequest(f"Invalid value for '{param}': {fault['msg']}.", param=param, code="invalid_value")


def _path(location: Sequence[str | int]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _type_name(value: object) -> str:
    names: dict[type, str] = {
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        list: "an array",
        dict: "an object",
    }
    return "null" if value is None else names.get(type(value), "another type")
