"""Requests and answers as /docs shows them."""

from typing import Any

_HEAD: dict[str, Any] = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "gpt-4o"}
_USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
_HELLO = [{"role": "user", "content": "Say hello."}]

CHAT_REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"model": "gpt-4o", "messages": _HELLO},
    "streamed": {
        "model": "gpt-4o",
        "messages": _HELLO,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "with a tool": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "How warm is it in Berlin?"}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "temperature",
                    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
                },
            }
        ],
    },
}
CHAT_ANSWER: dict[str, Any] = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello!", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": _USAGE,
}
CHAT_EVENTS = (
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":'
    '[{"index":0,"delta":{"role":"assistant","content":"Hello!"},"logprobs":null,"finish_reason":null}]}\n\ndata: [DONE]\n\n'
)
COMPLETION_EVENTS = (
    'data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"gpt-4o","choices":'
    '[{"index":0,"text":", world","logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
RESPONSE_EVENTS = (
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,'
    '"content_index":0,"delta":"Hello!","sequence_number":4}\n\n'
)
RESPONSE_REQUESTS: dict[str, dict[str, Any]] = {"plain": {"model": "gpt-4o", "input": "Say hello."}}
RESPONSE_ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-4o",
    "error": None,
    "incomplete_details": None,
    "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello!", "annotations": []}],
        }
    ],
}
RUN: dict[str, Any] = {
    "id": "run_1",
    "object": "reasoning.run",
    "status": "in_progress",
    "first_event": 0,
    "last_event": 12,
}
RESPONSE_DELETED: dict[str, Any] = {"id": "resp_1", "object": "response", "deleted": True}
RESPONSE_INPUT_ITEMS: dict[str, Any] = {
    "object": "list",
    "data": [
        {
            "type": "message",
            "id": "msg_0",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "Say hello."}],
        }
    ],
    "first_id": "msg_0",
    "last_id": "msg_0",
    "has_more": False,
}
EMBEDDING_REQUESTS: dict[str, dict[str, Any]] = {"plain": {"model": "text-embedding-3-small", "input": "Hello!"}}
EMBEDDING_ANSWER: dict[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}
COMPLETION_REQUESTS: dict[str, dict[str, Any]] = {"plain": {"model": "gpt-4o", "prompt": "Hello"}}
COMPLETION_ANSWER: dict[str, Any] = {
    **_HEAD,
    "object": "text_completion",
    "choices": [{"index": 0, "text": ", world", "logprobs": None, "finish_reason": "stop"}],
    "usage": _USAGE,
}
MODEL: dict[str, Any] = {
    "id": "gpt-4o",
    "object": "model",
    "created": 1_700_000_000,
    "owned_by": "openai",
    "context_window": 128_000,
    "supports_function_calling": True,
}


def _error(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": param, "code": code}


_REQUEST, _SERVER = "invalid_request_error", "server_error"
# One for each status; docs/contract.md says which others there are.
ERRORS: dict[int, dict[str, Any]] = {
    400: _error("Missing required parameter: 'messages'.", _REQUEST, "missing_required_parameter", "messages"),
    401: _error("The bearer token is not accepted.", "authentication_error", "invalid_api_key"),
    403: _error("Your account may not use this model.", "permission_error", None),
    404: _error(
        "The model `gpt-0` does not exist or you do not have access to it.", _REQUEST, "model_not_found", "model"
    ),
    405: _error("GET is not possible on /v1/chat/completions.", _REQUEST, "method_not_allowed"),
    402: _error("Your credit balance is too low to access the API.", "billing_error", None),
    408: _error(
        "The body of the request did not arrive within 30 s (REQUEST_BODY_TIMEOUT).", _REQUEST, "request_timeout"
    ),
    409: _error("The resource was changed by another request.", _REQUEST, None),
    410: _error("The run's events before number 40 are no longer kept.", _REQUEST, "run_events_gone", "starting_after"),
    413: _error("The body of the request is larger than this server accepts.", _REQUEST, "request_too_large"),
    415: _error("Send the request as JSON.", _REQUEST, "unsupported_media_type"),
    421: _error("This server does not answer to the name in the `Host` header.", _REQUEST, "host_not_allowed", "Host"),
    422: _error("The image cannot be read.", _REQUEST, None),
    429: _error("Rate limit reached for requests per minute.", "rate_limit_error", "rate_limit_exceeded"),
    431: _error("The headers of the request are too large.", _REQUEST, "request_header_fields_too_large"),
    500: _error("The server failed to answer; its log says why, under request req_4f1c.", _SERVER, "internal_error"),
    502: _error("The answer ended before it was complete.", _SERVER, "llm_gateway_stream_broken"),
    503: _error("LiteLLM cannot be reached.", _SERVER, "llm_gateway_unreachable"),
    504: _error("The provider did not answer in time.", _SERVER, "upstream_timeout"),
    529: _error("Overloaded", "overloaded_error", None),
}
