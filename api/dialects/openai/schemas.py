"""What /openapi.json says and no model of ours stands behind: the fields of a request that we do not read, answers, headers.

It describes and checks nothing: the provider decides on a request's fields, and its answer is handed on as it came.
"""

from typing import Any, Final

Schema = dict[str, Any]

_ANY_OBJECT: Final[Schema] = {"type": "object"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(kind: str) -> Schema:
    return {"type": [kind, "null"]}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _number(low: float, high: float) -> Schema:
    return {"type": "number", "minimum": low, "maximum": high}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_LIMIT: Final[Schema] = {"type": "integer", "minimum": 1}
_FLAG: Final[Schema] = {"type": "boolean"}
_STOP: Final[Schema] = {"anyOf": [_TEXT, {**_list(_TEXT), "maxItems": 4}], "description": "Where the answer ends"}
_FUNCTION: Final[Schema] = _object({"name": _TEXT}, {"description": _TEXT, "parameters": _ANY_OBJECT, "strict": _FLAG})
_TOOL: Final[Schema] = _object({"type": _one_of("function")}, {"function": _FUNCTION})
_SAMPLING: Final[Schema] = {
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "n": {"type": "integer", "minimum": 1, "maximum": 128, "description": "How many choices"},
    "seed": {"type": "integer"},
    "stop": _STOP,
    "user": {"type": "string", "description": "For whom the caller asks; the spend log's end user"},
}

# Beside the fields of `api.protocol`; any other field is handed on too.
REQUEST_FIELDS: Final[dict[str, Schema]] = {
    "ChatCompletionRequest": {
        **_SAMPLING,
        "max_completion_tokens": _LIMIT,
        "max_tokens": {**_LIMIT, "description": "The older name of max_completion_tokens"},
        "logit_bias": {"type": "object", "additionalProperties": _number(-100, 100)},
        "logprobs": _FLAG,
        "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
        "tools": {
            **_list(_TOOL),
            "description": "Functions of the caller's; one that does not ask for reasoning goes to the model itself",
        },
        "tool_choice": {"anyOf": [_one_of("none", "auto", "required"), _ANY_OBJECT]},
        "parallel_tool_calls": _FLAG,
        "response_format": {
            **_object({"type": _one_of("text", "json_object", "json_schema")}, {"json_schema": _ANY_OBJECT}),
            "description": "The form of the answer; steps of reasoning have their own",
        },
        "reasoning_effort": _one_of("none", "minimal", "low", "medium", "high", "xhigh"),
        "verbosity": _one_of("low", "medium", "high"),
        "modalities": _list(_one_of("text", "audio")),
        "audio": _object({"voice": _TEXT, "format": _TEXT}),
        "prediction": _object({"type": _one_of("content"), "content": {}}),
        "store": _FLAG,
        "service_tier": _one_of("auto", "default", "flex", "priority"),
        "web_search_options": _ANY_OBJECT,
        "safety_identifier": _TEXT,
        "prompt_cache_key": _TEXT,
    },
    "CompletionRequest": {**_SAMPLING, "max_tokens": _LIMIT, "echo": _FLAG, "suffix": _TEXT},
    "EmbeddingRequest": {
        "dimensions": _LIMIT,
        "encoding_format": _one_of("float", "base64"),
        "user": _SAMPLING["user"],
    },
    "ResponseRequest": {
        "include": _list(_TEXT),
        "instructions": _TEXT,
        "max_output_tokens": _LIMIT,
        "previous_response_id": _TEXT,
        "reasoning": _object({}, {"effort": _TEXT, "summary": _TEXT}),
        "store": _FLAG,
        "temperature": _SAMPLING["temperature"],
        "text": _object({}, {"format": _ANY_OBJECT, "verbosity": _one_of("low", "medium", "high")}),
        "tool_choice": {"anyOf": [_one_of("none", "auto", "required"), _ANY_OBJECT]},
        "tools": _list(_object({"type": _TEXT})),
        "top_p": _SAMPLING["top_p"],
        "user": _SAMPLING["user"],
    },
}
MESSAGE_FIELDS: Final[Schema] = {
    "content": {"description": "A text, or parts: text, image_url, input_audio, file, refusal"},
    "name": _TEXT,
    "tool_calls": _list(_ANY_OBJECT),
    "tool_call_id": {"type": "string", "description": "Of a tool's message: the call that it answers"},
}

_USAGE: Final[Schema] = _object(
    {"prompt_tokens": _COUNT, "total_tokens": _COUNT},
    {
        "completion_tokens": _COUNT,
        "prompt_tokens_details": _or_null("object"),
        "completion_tokens_details": _or_null("object"),
    },
)
_REASONS: Final[Schema] = {"type": ["string", "null"], "description": "stop, length, tool_calls, content_filter …"}
_CALL: Final[Schema] = _object({"id": _TEXT, "type": _TEXT}, {"function": _ANY_OBJECT, "custom": _ANY_OBJECT})
_MESSAGE: Final[Schema] = _object(
    {"role": _one_of("assistant"), "content": _or_null("string"), "refusal": _or_null("string")},
    {
        "tool_calls": _list(_CALL),
        "annotations": _list(_ANY_OBJECT),
        "audio": _or_null("object"),
        "reasoning_content": _TEXT,
    },
)
_DELTA: Final[Schema] = _object(
    {}, {"role": _TEXT, "content": _or_null("string"), "tool_calls": _list(_ANY_OBJECT), "reasoning_content": _TEXT}
)
_CHOICE: Final[Schema] = {"index": _COUNT, "logprobs": _or_null("object"), "finish_reason": _REASONS}
_HEAD: Final[Schema] = {"id": _TEXT, "created": {"type": "integer"}, "model": _TEXT}
_TOLD: Final[Schema] = {"system_fingerprint": _or_null("string"), "service_tier": _or_null("string")}

ANSWERS: Final[dict[str, Schema]] = {
    "Usage": _USAGE,
    "ChatCompletion": _object(
        {**_HEAD, "object": _one_of("chat.completion"), "choices": _list(_object({**_CHOICE, "message": _MESSAGE}))},
        {**_TOLD, "usage": _ref("Usage"), "metadata": {"description": "How the reasoning ended: docs/reasoning.md"}},
    ),
    "ChatCompletionChunk": _object(
        {**_HEAD, "object": _one_of("chat.completion.chunk"), "choices": _list(_object({**_CHOICE, "delta": _DELTA}))},
        {**_TOLD, "usage": {"anyOf": [_ref("Usage"), {"type": "null"}]}},
    ),
    "Completion": _object(
        {**_HEAD, "object": _one_of("text_completion"), "choices": _list(_object({**_CHOICE, "text": _TEXT}))},
        {**_TOLD, "usage": {"anyOf": [_ref("Usage"), {"type": "null"}]}},
    ),
    "EmbeddingList": _object(
        {
            "object": _one_of("list"),
            "model": _TEXT,
            "usage": _ref("Usage"),
            "data": _list(
                _object(
                    {
                        "object": _one_of("embedding"),
                        "index": _COUNT,
                        "embedding": {
                            "anyOf": [_list({"type": "number"}), _TEXT],
                            "description": "base64 if asked for",
                        },
                    }
                )
            ),
        }
    ),
    "Response": _object(
        {
            "id": _TEXT,
            "object": _one_of("response"),
            "status": _one_of("completed", "incomplete", "failed", "in_progress", "cancelled", "queued"),
            "model": _TEXT,
            "output": _list(_object({"type": _TEXT})),
            "error": _or_null("object"),
            "incomplete_details": _or_null("object"),
            "usage": _or_null("object"),
        }
    ),
    "DeletedResponse": _object({"id": _TEXT, "object": _TEXT, "deleted": _FLAG}),
    "InputItems": _object(
        {
            "object": _one_of("list"),
            "data": _list(_object({"type": _TEXT})),
            "first_id": _or_null("string"),
            "last_id": _or_null("string"),
            "has_more": _FLAG,
        }
    ),
    "Run": _object(
        {
            "id": _TEXT,
            "object": _one_of("reasoning.run"),
            "status": _one_of("in_progress", "completed", "failed", "cancelled"),
        },
        {"first_event": _COUNT, "last_event": {"type": ["integer", "null"]}, "deleted": _FLAG},
    ),
    "ResponseEvent": _object({"type": _TEXT, "sequence_number": _COUNT}, {"response": _ref("Response")}),
    "Model": _object(
        {"id": _TEXT, "object": _one_of("model"), "created": {"type": "integer"}, "owned_by": _TEXT},
        {
            "context_window": _COUNT,
            "max_output_tokens": _COUNT,
            "input_cost_per_token": {"type": "number"},
            "output_cost_per_token": {"type": "number"},
            "mode": _TEXT,
            **dict.fromkeys(
                ("supports_function_calling", "supports_vision", "supports_response_schema", "supports_reasoning"),
                _FLAG,
            ),
        },
    ),
    "ModelList": _object({"object": _one_of("list"), "data": _list(_ref("Model"))}),
}


def _header(description: str, schema: Schema, example: Any) -> Schema:
    return {"description": description, "schema": schema, "example": example}


REQUEST_ID: Final[Schema] = {
    "x-request-id": _header("The provider's id of the request, or one of ours that our log knows", _TEXT, "req_4f1c")
}
# Those that LiteLLM or the provider says come as far as it says them.
ANSWER_HEADERS: Final[Schema] = {
    "x-trace-id": _header("The trace in Phoenix; while tracing is on", _TEXT, "4bf92f3577b34da6a3ce929d0e0e4736"),
    "x-litellm-call-id": _header("LiteLLM's id of the call, in its spend log", _TEXT, "b980db26"),
    "x-litellm-model-group": _header("The model as it was asked for", _TEXT, "gpt-4o"),
    "x-litellm-model-name": _header("What stands behind it in LiteLLM", _TEXT, "openai/gpt-4o"),
    "x-litellm-model-id": _header("LiteLLM's deployment of it", _TEXT, "c4f1"),
    "x-litellm-version": _header("LiteLLM's version", _TEXT, "1.106.0"),
    "x-litellm-response-cost": _header("Dollars, of a plain answer; a stream says it in its usage", _TEXT, "0.0000425"),
    "x-ratelimit-remaining-requests": _header("As the provider says; so all of x-ratelimit-*", _TEXT, "59"),
}
ROUTING_HEADERS: Final[Schema] = {
    "x-routing-decision": _header("Who answered", _one_of("passthrough", "reasoning"), "passthrough"),
    "x-routing-source": _header(
        "Which rule decided",
        _one_of(
            "passthrough_rule", "header_override", "model_name", "default", "llm_classifier", "classifier_fallback"
        ),
        "default",
    ),
    "x-routing-overruled": _header(
        "What X-Routing-Mode or the model's name asked for, where a rule forbade it, and why", _TEXT, "reasoning; …"
    ),
}
MODELS_HEADERS: Final[Schema] = {
    "age": _header("Seconds since LiteLLM was asked", _TEXT, "3"),
    "x-models-stale": _header("LiteLLM could not be asked again", _one_of("true"), "true"),
    "warning": _header("The same, in HTTP's words", _TEXT, '110 - "Response is Stale"'),
}
_WAIT: Final[Schema] = {"retry-after": _header("Seconds to wait, as the provider says", _TEXT, "7")}
ERROR_HEADERS: Final[dict[int, Schema]] = {
    401: {"www-authenticate": _header("How to authenticate", _TEXT, "Bearer")},
    405: {"allow": _header("The methods that are possible", _TEXT, "POST")},
    415: {"accept-encoding": _header("Of a compressed body: what can be undone", _TEXT, "gzip, deflate, zstd")},
    429: {**_WAIT, "x-should-retry": _header("Of a used-up budget: OpenAI's SDKs heed it", _one_of("false"), "false")},
    503: _WAIT,
}
