"""What /docs and /openapi.json say of each route, beyond what FastAPI reads off its handler: bodies, statuses, examples."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.dialects import anthropic
from api.dialects.openai import (
    ANSWER_HEADERS,
    ANSWERS,
    ERROR_HEADERS,
    ERRORS,
    MESSAGE_FIELDS,
    MODELS_HEADERS,
    REQUEST_FIELDS,
    REQUEST_ID,
    ROUTING_HEADERS,
    RUN,
    ErrorBody,
)
from api.protocol import (
    PROVIDER_FIELDS_HEADER,
    RESUMABLE_HEADER,
    ROUTING_MODE_HEADER,
    SESSION_ID_HEADER,
    ChatCompletionRequest,
    CompletionRequest,
    EmbeddingRequest,
    ResponseRequest,
    RoutingMode,
    WireModel,
)

_COMPONENTS = "#/components/schemas/{model}"
_REQUESTS: tuple[type[WireModel], ...] = (
    ChatCompletionRequest,
    CompletionRequest,
    EmbeddingRequest,
    ResponseRequest,
    anthropic.MessagesRequest,
    anthropic.CountTokensRequest,
)


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    error: ErrorBody


class AnthropicError(BaseModel):
    """What failed, in Anthropic's words."""

    type: str
    message: str


class AnthropicErrorAnswer(BaseModel):
    """What every error looks like to those who speak Anthropic's dialect."""

    type: Literal["error"]
    error: AnthropicError
    request_id: str | None = None


# docs/contract.md says of each where it comes from.
_ALWAYS = {
    401: "No token, or none that is accepted",
    405: "The method is not possible here",
    421: "The `Host` is none of this server's names (ALLOWED_HOSTS)",
    431: "The headers are too large",
    500: "This server or the provider failed",
}
_UPSTREAM = {
    400: "The request is invalid; `param` names the field",
    403: "The provider does not permit it",
    404: "The model does not exist, or not for this server's key",
    408: "The body did not arrive in time",
    409: "The provider reports a conflict",
    413: "The body is too large, or holds too much",
    415: "The body is no JSON, or compressed in a way that this server cannot undo",
    422: "The provider cannot work with the request",
    429: "A rate limit (`retry-after` says how long) or a used-up budget (`insufficient_quota`)",
    502: "The provider's answer broke off or cannot be used",
    503: "LiteLLM or the provider is not there",
    504: "LiteLLM or the provider did not answer in time",
}
_GONE = "Events that are asked for are no longer kept"
_ANTHROPICS = {402: "The provider's account has no credit left", 529: "The provider is overloaded"}
_UNREACHABLE = {503: _UPSTREAM[503]}

# Either is enough.
_TOKENS = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of this server"},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same, as Anthropic's clients send it",
    },
}

Responses = dict[int | str, dict[str, Any]]


def _shown(example: Mapping[str, Any]) -> str:
    """As text, since FastAPI leaves every null out of the page, also out of the examples, where one means something."""
    return json.dumps(example)


def error_responses(*statuses: Mapping[int, str], in_anthropics_form: bool = False) -> Responses:
    """The errors of a route, each in the one shape of its dialect, with an example and what comes beside it."""
    described = {status: text for group in (_ALWAYS, *statuses) for status, text in group.items()}
    return {
        status: {
            "model": AnthropicErrorAnswer if in_anthropics_form else ErrorAnswer,
            "description": text,
            "headers": dict(ERROR_HEADERS.get(status, {})),
            "content": {"application/json": {"example": _shown(_error_example(status, in_anthropics_form))}},
        }
        for status, text in sorted(described.items())
    }


def _error_example(status: int, in_anthropics_form: bool) -> dict[str, Any]:  # noqa: FBT001
    return (
        anthropic.examples.error(status, ERRORS[status]["message"]) if in_anthropics_form else {"error": ERRORS[status]}
    )


LOOK_UP_RESPONSES = error_responses(_UNREACHABLE)
LOOK_UP_ONE_RESPONSES = error_responses(_UNREACHABLE, {404: "There is no such model"})


def answer_responses(
    schema: str,
    example: Mapping[str, Any],
    *,
    events: tuple[str, str] | None = None,
    routed: bool = False,
    in_anthropics_form: bool = False,
) -> Responses:
    """An answer with its schema and example, streamed or not, and all errors; `events` are the schema of one and an example."""
    content: dict[str, Any] = {"application/json": {"schema": _named(schema), "example": _shown(example)}}
    if events is not None:
        content["text/event-stream"] = {**_events(events[0]), "example": events[1]}
    answer = {
        "description": "The answer, as the provider gave it",
        "headers": ANSWER_HEADERS | (ROUTING_HEADERS if routed else {}),
        "content": content,
    }
    statuses = {**_UPSTREAM, **_ANTHROPICS} if in_anthropics_form else _UPSTREAM
    return {200: answer, **error_responses(statuses, in_anthropics_form=in_anthropics_form)}


def kept_responses(schema: str, example: Mapping[str, Any]) -> Responses:
    """What becomes of a response that is kept, and what can be wrong with asking for it."""
    answer = {
        "description": "As the provider says it",
        "headers": ANSWER_HEADERS,
        "content": {"application/json": {"schema": _named(schema), "example": _shown(example)}},
    }
    return {
        200: answer,
        **error_responses({**_UPSTREAM, 404: "The caller was given no such response, or it is not kept"}),
    }


def run_responses() -> Responses:
    """How far a run is, and what can be wrong with asking for it."""
    answer = {
        "description": "How far the run is",
        "content": {"application/json": {"schema": _named("Run"), "example": _shown(RUN)}},
    }
    return {200: answer, **error_responses({404: "The caller has no such run", 400: _UPSTREAM[400]})}


def run_stream() -> Responses:
    """The events of a run, as the path tells them that it was begun on."""
    described = run_responses()
    described[200]["content"]["text/event-stream"] = {
        "schema": {"description": "As the answer's own, each with its `id`"}
    }
    return described | error_responses({404: "The caller has no such run", 400: _UPSTREAM[400], 410: _GONE})


def listed(schema: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """What LiteLLM says of its models."""
    return {
        "headers": MODELS_HEADERS,
        "content": {"application/json": {"schema": _named(schema), "example": _shown(example)}},
    }


def request_body(model: type[WireModel], examples: Mapping[str, Mapping[str, Any]], *, routed: bool) -> dict[str, Any]:
    """`openapi_extra` for a handler that reads the body itself: the model's schema, examples and the headers it heeds."""
    content = {
        "schema": {"$ref": _COMPONENTS.format(model=model.__name__)},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    headers = [
        _header(SESSION_ID_HEADER, "Joins requests into a session", {"type": "string", "pattern": "^[!-~]{1,200}$"})
    ]
    flag = {"type": "string", "enum": ["true", "false"]}
    modes = {"type": "string", "enum": [mode.value for mode in RoutingMode]}
    answers = "Who answers" if routed else "Here the model always answers; `X-Routing-Overruled` answers any other wish"
    headers.append(_header(ROUTING_MODE_HEADER, answers, modes))
    headers.append(_header(RESUMABLE_HEADER, "Whether a streamed answer lives on without its client", flag))
    headers.append(_header(PROVIDER_FIELDS_HEADER, "Whether LiteLLM's own fields are wanted", flag))
    return {"requestBody": {"required": True, "content": {"application/json": content}}, "parameters": headers}


def describe(app: FastAPI) -> None:
    """Adds the schemas that no handler's signature names, and how to authenticate."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        schema = generate()
        components = schema.setdefault("components", {})
        requests = [(model, "validation") for model in _REQUESTS]
        _, definitions = models_json_schema(requests, ref_template=_COMPONENTS)  # type: ignore[arg-type]
        components.setdefault("schemas", {}).update({**definitions["$defs"], **ANSWERS, **anthropic.ANSWERS})
        _add_fields(components["schemas"])
        components["securitySchemes"] = _TOKENS
        schema["security"] = [{name: []} for name in _TOKENS]
        _drop_fastapis_422(schema)
        _add_request_id(schema)
        _read_examples(schema)
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _add_fields(schemas: dict[str, Any]) -> None:
    for name, fields in {**REQUEST_FIELDS, **anthropic.REQUEST_FIELDS, "Message": MESSAGE_FIELDS}.items():
        schemas[name]["properties"] = {**fields, **schemas[name]["properties"]}


def _named(schema: str) -> dict[str, Any]:
    return {"$ref": _COMPONENTS.format(model=schema)}


def _events(schema: str) -> dict[str, Any]:
    """OpenAPI 3.1 has no word for the schema of one event, so an extension says it."""
    text = f"Server-sent events. The data of each is a {schema}, or at the end `[DONE]`; a failure is an ErrorAnswer."
    return {"schema": {"description": text}, "x-event-schema": _named(schema)}


def _drop_fastapis_422(schema: dict[str, Any]) -> None:
    """FastAPI announces its own validation error, in its own shape, for every path that has a parameter; none can come."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _add_request_id(schema: dict[str, Any]) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                response["headers"] = {**REQUEST_ID, **response.get("headers", {})}


def _read_examples(schema: dict[str, Any]) -> None:
    """Back from the text that `_shown` made of them."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json", {})
                if isinstance(content.get("example"), str):
                    content["example"] = json.loads(content["example"])


def _header(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
