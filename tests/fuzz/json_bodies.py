"""Requests of the endpoints with something wrong in them, or with something that only looks wrong."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tests.fuzz.json_text import LONGEST, Members, Raw, anything, deep, members, write, written_size

MESSAGE = {"role": "user", "content": "hello"}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
_TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": _SCHEMA, "strict": True}}
_PARTS = [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_TALK = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": _PARTS},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "1"},
    MESSAGE,
]
_SAMPLING = {"temperature": 1, "top_p": 1, "n": 1, "seed": 1, "stop": ["x"], "user": "somebody", "stream": False}
_PLAIN = {"model": "gpt-4o-mini", "messages": [MESSAGE]}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": _SCHEMA}}
_BLOCKS = [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]
_MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 16, "messages": [MESSAGE]}
_USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "b"}}
_RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": _BLOCKS}
_USED = [MESSAGE, {"role": "assistant", "content": [_USE]}, {"role": "user", "content": [_RESULT]}]
_ITEMS = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}]

# Requests that are in order, by path. The short ones stand twice: most of what clients send is short.
GOOD: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [
        _PLAIN,
        _PLAIN | {"stream": True, "stream_options": {"include_usage": True}},
        _PLAIN | {"tools": [_TOOL], "tool_choice": "auto", "metadata": {"a": "b", "tags": ["x"]}},
        {
            "model": "gpt-4o-mini",
            "messages": _TALK,
            **_SAMPLING,
            "response_format": _FORMAT,
            "logit_bias": {"50256": -100},
        },
    ],
    "/v1/responses": [
        {"model": "gpt-4o-mini", "input": "hello"},
        {"model": "gpt-4o-mini", "input": _ITEMS, "stream": True, "metadata": {"a": "b"}, "instructions": "be brief"},
        {"model": "gpt-4o-mini", "input": "hello", "tools": [{"type": "function", "name": "f", "parameters": _SCHEMA}]},
    ],
    "/v1/completions": [
        {"model": "gpt-4o-mini", "prompt": "hello", "max_tokens": 16},
        {"model": "gpt-4o-mini", "prompt": ["hello"], **_SAMPLING, "stream": True},
    ],
    "/v1/messages": [
        _MESSAGE,
        _MESSAGE | {"stream": True, "system": _BLOCKS, "metadata": {"user_id": "somebody"}, "stop_sequences": ["x"]},
        _MESSAGE
        | {"tools": [{"name": "f", "input_schema": _SCHEMA}], "tool_choice": {"type": "auto"}, "messages": _USED},
        _MESSAGE | {"model": "gpt-4o-mini", "stream": True, "thinking": {"type": "adaptive"}},
        _MESSAGE | {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": _SCHEMA}}},
    ],
    "/v1/messages/count_tokens": [{"model": "claude-haiku-4-5", "messages": _USED, "system": "be brief"}],
    "/v1/embeddings": [
        {"model": "text-embedding-3-small", "input": "hello"},
        {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8, "encoding_format": "float"},
        {"model": "text-embedding-3-small", "input": [[1, 2], [3]], "encoding_format": "base64", "user": "somebody"},
    ],
}
# Fields that OpenAI does not have; those that tell LiteLLM what to do are the ones to try.
_UNKNOWN = (
    *(
        "api_base",
        "api_key",
        "base_url",
        "mock_response",
        "num_retries",
        "max_retries",
        "fallbacks",
        "timeout",
        "cache",
    ),
    *(
        "metadata",
        "litellm_metadata",
        "litellm_params",
        "extra_body",
        "extra_headers",
        "headers",
        "proxy_server_request",
    ),
    *(
        "guardrails",
        "prompt_id",
        "specific_deployment",
        "deployment_id",
        "custom_llm_provider",
        "ssl_verify",
        "callbacks",
    ),
    *(
        "input_cost_per_token",
        "tags",
        "no-log",
        "self",
        "kwargs",
        "args",
        "model_list",
        "user_config",
        "caching",
        "ttl",
    ),
    *("drop_params", "allowed_openai_params", "model_info", "retry_policy", "fastest_response", "client", "logger_fn"),
    *("session_id", "trace_id", "component", "x_of_nobody", "", "a.b", "$ref", "__proto__", "__class__", "\u0000"),
)
_MODES = ("passthrough", "passthrough", "reasoning", "auto", " Reasoning ", "both", "", "\xff", "passthrough, auto")
_HEADERS = (
    *("X-Session-ID: s-1", "X-Session-ID: ", "X-Session-ID: \xe9", "X-Session-ID: " + "s" * 300, "X-Session-ID: a b"),
    *(
        "X-Provider-Specific-Fields: true",
        "X-Provider-Specific-Fields: maybe",
        "Accept: text/event-stream",
        "Accept: */*;q=x",
    ),
    *(
        "anthropic-version: 2023-06-01",
        "anthropic-version: \xff",
        "anthropic-beta: a,b,,",
        "anthropic-x: " + "b" * 9000,
        "x-api-key: nobody",
        "x-claude-code-session-id: \xe9",
        "x-claude-code-agent-id: " + "a" * 300,
        "x-memory-user-id: a b",
    ),
    *("traceparent: 00-" + "0" * 32 + "-" + "0" * 16 + "-01", "traceparent: 00-zz", "traceparent: " + "0" * 9000),
    *(
        "tracestate: a=b,c=",
        "baggage: a=b;c,=%ff",
        "x-request-id: " + "r" * 5000,
        "Expect: 100-continue",
        "TE: trailers",
    ),
    *(
        "x-litellm-tags: a,b",
        "x-litellm-timeout: x",
        "OpenAI-Organization: \xff",
        "x-forwarded-for: '\"",
        "Cookie: a=\x01",
    ),
    *(
        "x-stainless-retry-count: NaN",
        "Idempotency-Key: \u007f",
        "Range: bytes=0-1",
        "If-None-Match: *",
        "Origin: null",
    ),
)
_CONTENT_TYPES = (
    "text/plain",
    "",
    "application/json; charset=utf-16",
    "APPLICATION/JSON",
    "a/b+json",
    "multipart/form-data",
    "\xff",
)
_AUTHORIZATIONS = (
    "",
    "Bearer",
    "Bearer \xff\xfe",
    "Basic eDp5",
    "Bearer " + "x" * 9000,
    "bearer  {token}  ",
    "Bearer {token} x",
)


@dataclass(frozen=True)
class BodyInput:
    """A request to be sent on a connection of its own."""

    path: str
    headers: list[str]
    body: bytes

    def raw(self) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", *self.headers, f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + self.body


def body_input(rng: random.Random, token: str) -> BodyInput:
    """One request; one in ten is left in order."""
    path = rng.choice(list(GOOD))
    if rng.random() < 0.4:
        path = "/v1/chat/completions"
    tree = members(rng.choice(GOOD[path]))
    for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 2, 2, 3, 5))):
        tree = _changed(rng, tree)
        if written_size(tree) > MOST_CHARACTERS:
            tree = members(rng.choice(GOOD[path]))
    body = write(tree).encode(errors="surrogatepass")
    return BodyInput(path, _headers(rng, token), _bytes_changed(rng, body) if rng.random() < 0.04 else body)


def _headers(rng: random.Random, token: str) -> list[str]:
    authorization = rng.choice(_AUTHORIZATIONS) if rng.random() < 0.03 else "Bearer {token}"
    content_type = rng.choice(_CONTENT_TYPES) if rng.random() < 0.04 else "application/json"
    lines = [f"Authorization: {authorization.replace('{token}', token)}", f"Content-Type: {content_type}"]
    if rng.random() < 0.4:
        lines.append(f"X-Routing-Mode: {rng.choice(_MODES)}")
    return lines + [rng.choice(_HEADERS) for _ in range(rng.choice((0, 0, 0, 1, 3)))]


# Beyond what the server takes, and no further: what is repeated twice grows without an end.
MOST_CHARACTERS = 34 * 2**20
# A part that stands in many places is counted in each: some trees have no end to speak of.
_MOST_PLACES = 50_000


def _changed(rng: random.Random, tree: Any) -> Any:
    places = list(islice(_places(tree), _MOST_PLACES))
    if not places:
        return anything(rng)
    holder, place = rng.choice(places)
    change = rng.choice(_CHANGES)
    change(rng, holder, place)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, int]]:
    """Every member and every element."""
    if isinstance(tree, list):
        for place, entry in enumerate(tree):
            yield tree, place
            yield from _places(entry[1] if isinstance(tree, Members) else entry)


def _put(holder: Any, place: int, value: Any) -> None:
    holder[place] = (holder[place][0], value) if isinstance(holder, Members) else value


def _at(holder: Any, place: int) -> Any:
    return holder[place][1] if isinstance(holder, Members) else holder[place]


def _replace(rng: random.Random, holder: Any, place: int) -> None:
    _put(holder, place, anything(rng))


def _remove(_rng: random.Random, holder: Any, place: int) -> None:
    del holder[place]


def _repeat(rng: random.Random, holder: Any, place: int) -> None:
    """Again and again: a key that stands twice, or messages by the thousand. Small things more often than large ones."""
    size = len(write(holder[place] if not isinstance(holder, Members) else holder[place][1])) + 1
    times = min(int(10 ** rng.uniform(0, 3.7)), LONGEST // size)
    holder[place:place] = [holder[place]] * max(1, times)


def _wrap(rng: random.Random, holder: Any, place: int) -> None:
    value = _at(holder, place)
    _put(holder, place, rng.choice(([value], Members([("a", value)]), Raw(write(write(value))))))


def _unknown(rng: random.Random, holder: Any, _place: int) -> None:
    if isinstance(holder, Members):
        holder.insert(rng.randrange(len(holder) + 1), (rng.choice(_UNKNOWN), anything(rng)))


def _nest(rng: random.Random, holder: Any, place: int) -> None:
    _put(holder, place, deep(rng))


def _swap(rng: random.Random, holder: Any, place: int) -> None:
    other = rng.randrange(len(holder))
    ours, theirs = _at(holder, place), _at(holder, other)
    _put(holder, place, theirs)
    _put(holder, other, ours)


_CHANGES = (
    *(
        _replace,
        _replace,
        _replace,
        _replace,
        _remove,
        _remove,
        _repeat,
        _repeat,
        _wrap,
        _wrap,
        _unknown,
        _unknown,
        _unknown,
    ),
    *(_unknown, _nest, _swap),
)


def _bytes_changed(rng: random.Random, body: bytes) -> bytes:
    place = rng.randrange(len(body) + 1)
    return rng.choice(
        (
            body[:place],
            body[:place] + rng.randbytes(3) + body[place:],
            body[:place] + b"\xed\xa0\x80" + body[place:],
            b"\xef\xbb\xbf" + body,
            body + b"x",
            body.decode(errors="replace").encode("utf-16"),
            b"",
        )
    )
