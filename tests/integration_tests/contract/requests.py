"""Generated requests: what OpenAI's specification lets a client ask for, and fields that it does not know."""

from typing import Any

from hypothesis import strategies as st

from tests.integration_tests.contract.answers import CALL, EXTRA, NAMES, SAID, WORDS, Generated

Field = st.SearchStrategy[Any]

_LIMIT = st.integers(1, 4096)
_PENALTY = st.integers(-2, 2) | st.floats(-2, 2)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"], "enum": ["x", None]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
_function = st.fixed_dictionaries(
    {"name": st.just("f")},
    optional={"description": WORDS, "parameters": st.just(SCHEMA), "strict": st.booleans() | st.none()},
)
_TOOL = st.fixed_dictionaries({"type": st.just("function"), "function": _function})
_grammar = st.just({"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}})
_custom = st.fixed_dictionaries({"name": st.just("c")}, optional={"description": WORDS, "format": _grammar})
_CUSTOM_TOOL = st.fixed_dictionaries({"type": st.just("custom"), "custom": _custom})
_CHOICE = st.sampled_from(["auto", "none", "required", {"type": "function", "function": {"name": "f"}}])
_JSON_SCHEMA = st.fixed_dictionaries(
    {"name": NAMES, "schema": st.just(SCHEMA)}, optional={"strict": st.booleans(), "description": WORDS}
)
_FORMAT = st.sampled_from([{"type": "text"}, {"type": "json_object"}]) | st.fixed_dictionaries(
    {"type": st.just("json_schema"), "json_schema": _JSON_SCHEMA}
)
_TEXT_PART = st.fixed_dictionaries({"type": st.just("text"), "text": SAID})
_IMAGE = st.fixed_dictionaries(
    {"url": st.sampled_from(["https://example.com/a.png", "data:image/png;base64,AAAA"])},
    optional={"detail": st.sampled_from(["auto", "low", "high"])},
)
_FILE = st.sampled_from([{"file_id": "file-1"}, {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}])
_PART = st.one_of(
    _TEXT_PART,
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": _IMAGE}),
    st.just({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
    st.fixed_dictionaries({"type": st.just("file"), "file": _FILE}),
)
_NAMED: dict[str, Field] = {"name": NAMES}

SYSTEM: Generated = st.fixed_dictionaries(
    {"role": st.just("system"), "content": WORDS | st.lists(_TEXT_PART, min_size=1, max_size=2)}, optional=_NAMED
)
DEVELOPER: Generated = st.fixed_dictionaries(
    {"role": st.just("developer"), "content": WORDS | st.lists(_TEXT_PART, min_size=1, max_size=2)}, optional=_NAMED
)
USER: Generated = st.fixed_dictionaries(
    {"role": st.just("user"), "content": SAID | st.lists(_PART, min_size=1, max_size=3)},
    optional={**_NAMED, "x_tomorrow": EXTRA},
)
_refusal_part = st.fixed_dictionaries({"type": st.just("refusal"), "refusal": SAID})
ASSISTANT: Generated = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": WORDS | st.lists(_TEXT_PART | _refusal_part, min_size=1, max_size=2)},
    optional={**_NAMED, "refusal": st.none() | SAID, "audio": st.none() | st.just({"id": "audio-1"})},
)


@st.composite
def _called(draw: st.DrawFn) -> list[dict[str, Any]]:
    """An assistant's calls, and a result for each."""
    calls = draw(st.lists(CALL, min_size=1, max_size=2))
    said: dict[str, Any] = draw(st.sampled_from([{}, {"content": None}, {"content": "I look it up."}]))
    results = [{"role": "tool", "tool_call_id": call["id"], "content": draw(WORDS)} for call in calls]
    return [{"role": "assistant", **said, "tool_calls": calls}, *results]


def _turns(instruction: Generated) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = (USER | ASSISTANT | instruction).map(lambda message: [message])
    return st.lists(one | _called(), max_size=4).map(lambda parts: [message for part in parts for message in part])


_ANY_MODEL: dict[str, Field] = {
    "n": st.integers(1, 4),
    "seed": st.integers(-(2**31), 2**31),
    "max_completion_tokens": _LIMIT,
    "response_format": _FORMAT,
    "store": st.booleans(),
    "metadata": st.dictionaries(NAMES, WORDS, max_size=2),
    "service_tier": st.sampled_from(["auto", "default", "flex", "priority"]),
    "user": NAMES,
    "safety_identifier": NAMES,
    "prompt_cache_key": NAMES,
    "x_tomorrow": EXTRA | st.floats(-1, 1),
}
_CHAT_MODEL: dict[str, Field] = {
    **_ANY_MODEL,
    "parallel_tool_calls": st.booleans(),
    "stop": SAID | st.lists(SAID, min_size=1, max_size=4),
    "logit_bias": st.dictionaries(st.integers(0, 100_000).map(str), st.integers(-100, 100), max_size=2),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 20),
    "temperature": st.integers(0, 2) | st.floats(0, 2),
    "top_p": st.integers(0, 1) | st.floats(0, 1),
    "presence_penalty": _PENALTY,
    "frequency_penalty": _PENALTY,
    "max_tokens": _LIMIT,
    "modalities": st.sampled_from([["text"], ["text", "audio"]]),
    "audio": st.just({"voice": "alloy", "format": "wav"}),
    "prediction": st.fixed_dictionaries(
        {"type": st.just("content"), "content": SAID | st.lists(_TEXT_PART, min_size=1, max_size=2)}
    ),
}
_REASONING_MODEL: dict[str, Field] = {
    **_ANY_MODEL,
    "parallel_tool_calls": st.booleans(),
    "reasoning_effort": st.sampled_from(["minimal", "low", "medium", "high"]),
    "verbosity": st.sampled_from(["low", "medium", "high"]),
}

_STREAM_OPTIONS = st.fixed_dictionaries({"include_usage": st.booleans()})
# LiteLLM drops a tool_choice that has no tools beside it, which OpenAI refuses (test_losses.py).
_WITH_TOOLS = st.fixed_dictionaries(
    {"tools": st.lists(_TOOL | _CUSTOM_TOOL, min_size=1, max_size=2)}, optional={"tool_choice": _CHOICE}
)
_STREAMED = st.fixed_dictionaries({"stream": st.sampled_from([True])}, optional={"stream_options": _STREAM_OPTIONS})


def _requests(model: str, instruction: Generated, fields: dict[str, Field]) -> Generated:
    asked = st.fixed_dictionaries({"model": st.just(model), "messages": _turns(instruction)}, optional=fields)
    beside = st.tuples(st.just({}) | _WITH_TOOLS, st.sampled_from([{}, {"stream": False}]) | _STREAMED)
    return st.tuples(asked, beside).map(lambda parts: parts[0] | parts[1][0] | parts[1][1])


# The models differ in the fields they know, as of their makers' documentation; for another field LiteLLM answers with a 400.
REQUEST: Generated = st.one_of(
    _requests("gpt-4o", SYSTEM, _CHAT_MODEL),
    _requests("gpt-5-mini", SYSTEM, _REASONING_MODEL),
    _requests("o3", DEVELOPER, _ANY_MODEL),
)
