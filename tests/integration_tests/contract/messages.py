"""Generated messages: what Anthropic's API lets a client ask for and its models answer, and what there may be tomorrow."""

from typing import Any

from hypothesis import strategies as st

from tests.integration_tests.contract.answers import SAID, WORDS, Generated

_CACHE: dict[str, Any] = {"cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])}
_SIGNATURE = st.sampled_from(["EqQBCgIYAhIM1gbcDa9GJwZA2b3h", "s" * 400, "a+/b=="])
_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
_DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "a"},
    "citations": {"enabled": True},
}

TEXT: Generated = st.fixed_dictionaries({"type": st.just("text"), "text": SAID}, optional=_CACHE)
_ASKED = TEXT | st.sampled_from([_IMAGE, _DOCUMENT]) | st.just({"type": "tomorrows", "x": [1, None, "é"]})
_RESULT = st.fixed_dictionaries(
    {
        "type": st.just("tool_result"),
        "tool_use_id": st.just("toolu_1"),
        "content": SAID | st.lists(TEXT, min_size=1, max_size=2),
    },
    optional={"is_error": st.booleans(), **_CACHE},
)
THINKING: Generated = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": SAID, "signature": _SIGNATURE})
REDACTED: Generated = st.just({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a"})
_CALL = st.fixed_dictionaries(
    {
        "type": st.just("tool_use"),
        "id": st.just("toolu_1"),
        "name": st.just("f"),
        "input": st.just({"a": [1, {"b": "é"}]}),
    },
    optional=_CACHE,
)

_USER = st.fixed_dictionaries({"role": st.just("user"), "content": SAID | st.lists(_ASKED, min_size=1, max_size=3)})
_ASSISTANT = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": SAID | st.lists(TEXT | THINKING | REDACTED, min_size=1, max_size=3)}
)
_SYSTEM_TURN = st.fixed_dictionaries(
    {"role": st.just("system"), "content": SAID | st.lists(TEXT, min_size=1, max_size=2)}
)
_TOOL_TURNS = st.tuples(
    st.fixed_dictionaries({"role": st.just("assistant"), "content": st.tuples(_CALL).map(list)}),
    st.fixed_dictionaries({"role": st.just("user"), "content": st.tuples(_RESULT).map(list)}),
).map(list)
_TURNS = st.one_of(
    st.tuples(_USER, _ASSISTANT).map(list), st.tuples(_USER, _SYSTEM_TURN, _ASSISTANT).map(list), _TOOL_TURNS
)
_TOOL = st.fixed_dictionaries(
    {"name": st.just("f"), "input_schema": st.just({"type": "object", "properties": {"a": {"type": "array"}}})},
    optional={"description": WORDS, **_CACHE},
)
_SERVER_TOOL = st.just({"type": "web_search_20250305", "name": "web_search", "max_uses": 2})

REQUEST: Generated = st.fixed_dictionaries(
    {
        "model": st.just("claude-opus-5"),
        "max_tokens": st.integers(2000, 8000),
        "messages": st.lists(_TURNS, max_size=2).map(lambda turns: [turn for both in turns for turn in both]),
    },
    optional={
        "system": SAID | st.lists(TEXT, min_size=1, max_size=3),
        "metadata": st.fixed_dictionaries({"user_id": WORDS}),
        "stop_sequences": st.lists(WORDS, max_size=2),
        "tools": st.lists(_TOOL | _SERVER_TOOL, min_size=1, max_size=2),
        "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any", "disable_parallel_tool_use": True}]),
        "thinking": st.sampled_from([{"type": "adaptive"}, {"type": "disabled"}]),
        "output_config": st.sampled_from(
            [{"effort": "low"}, {"format": {"type": "json_schema", "schema": {"type": "object"}}}]
        ),
        "context_management": st.just({"edits": [{"type": "clear_tool_uses_20250919"}]}),
        "service_tier": st.just("standard_only"),
        "diagnostics": st.just({"previous_message_id": "msg_0"}),
        "fallbacks": st.just([{"model": "claude-sonnet-5"}]),
        "tomorrows": st.just([1, None, {"x": "é"}]),
        "stream": st.booleans(),
    },
)

_USAGE = st.fixed_dictionaries(
    {"input_tokens": st.integers(1, 999), "output_tokens": st.integers(1, 999)},
    optional={
        "cache_read_input_tokens": st.integers(0, 99),
        "cache_creation_input_tokens": st.integers(0, 99),
        "server_tool_use": st.just({"web_search_requests": 1}),
        "service_tier": st.just("standard"),
        "tomorrows_tokens": st.integers(0, 9),
    },
)
_CITED = st.fixed_dictionaries(
    {
        "type": st.just("text"),
        "text": SAID,
        "citations": st.just([{"type": "char_location", "cited_text": "a", "document_index": 0}]),
    }
)
_BLOCK = st.one_of(TEXT, _CITED, THINKING, REDACTED, _CALL, st.just({"type": "tomorrows", "x": {"y": None}}))
ANSWER: Generated = st.fixed_dictionaries(
    {
        "id": st.just("msg_1"),
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": st.just("claude-opus-5"),
        "content": st.lists(_BLOCK, max_size=4),
        "stop_reason": st.sampled_from(
            [
                "end_turn",
                "max_tokens",
                "stop_sequence",
                "tool_use",
                "pause_turn",
                "refusal",
                "model_context_window_exceeded",
            ]
        ),
        "stop_sequence": st.none() | WORDS,
        "usage": _USAGE,
    },
    optional={
        "container": st.just({"id": "c"}),
        "context_management": st.just({"applied_edits": []}),
        "tomorrows": st.just([1]),
    },
)

_DELTAS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text_delta"), "text": SAID}),
    st.fixed_dictionaries({"type": st.just("thinking_delta"), "thinking": SAID}),
    st.fixed_dictionaries({"type": st.just("signature_delta"), "signature": _SIGNATURE}),
    st.fixed_dictionaries(
        {"type": st.just("input_json_delta"), "partial_json": st.sampled_from(['{"a"', ": [1]}", ""])}
    ),
    st.just({"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "a"}}),
    st.just({"type": "tomorrows_delta", "x": None}),
)
_DELTA = st.fixed_dictionaries({"type": st.just("content_block_delta"), "index": st.integers(0, 2), "delta": _DELTAS})
_OTHER = st.sampled_from(
    [
        {"type": "ping"},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        },
        {"type": "content_block_start", "index": 2, "content_block": {"type": "redacted_thinking", "data": "EmwK"}},
        {"type": "tomorrows_event", "x": {"y": ["é", 1.5]}},
    ]
)


def _stream(parts: tuple[Any, Any, Any]) -> list[dict[str, Any]]:
    opening, events, usage = parts
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": []}
    return [
        {"type": "message_start", "message": {**head, "stop_reason": None, "stop_sequence": None, "usage": opening}},
        *events,
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]


STREAM: st.SearchStrategy[list[dict[str, Any]]] = st.tuples(_USAGE, st.lists(_DELTA | _OTHER, max_size=8), _USAGE).map(
    _stream
)
