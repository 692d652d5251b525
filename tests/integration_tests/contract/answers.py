"""Generated provider answers: whatever OpenAI's specification lets a chat completion say."""

from typing import Any

from hypothesis import strategies as st

Generated = st.SearchStrategy[dict[str, Any]]

# Surrogates are no text; a NUL is none that PostgreSQL could log.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
SAID = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
COUNTS = st.integers(0, 10_000)
NAMES = st.from_regex(r"\A[a-zA-Z0-9_-]{1,16}\Z")

_token = {"token": SAID, "logprob": st.floats(-50, 0), "bytes": st.none() | st.lists(st.integers(0, 255), max_size=4)}
TOKEN = st.fixed_dictionaries({**_token, "top_logprobs": st.lists(st.fixed_dictionaries(_token), max_size=2)})
TOKENS = st.none() | st.lists(TOKEN, min_size=1, max_size=2)
LOGPROBS = st.none() | st.fixed_dictionaries({"content": TOKENS, "refusal": TOKENS})
FINISHED = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "function_call"])

_citation = {"start_index": COUNTS, "end_index": COUNTS, "url": st.just("https://example.com/"), "title": WORDS}
ANNOTATION = st.fixed_dictionaries({"type": st.just("url_citation"), "url_citation": st.fixed_dictionaries(_citation)})
AUDIO = st.fixed_dictionaries({"id": NAMES, "data": st.just("AAAA"), "expires_at": COUNTS, "transcript": WORDS})
FUNCTION = st.fixed_dictionaries({"name": NAMES, "arguments": WORDS})
CALL = st.fixed_dictionaries({"id": NAMES, "type": st.just("function"), "function": FUNCTION})
CUSTOM_CALL = st.fixed_dictionaries(
    {"id": NAMES, "type": st.just("custom"), "custom": st.fixed_dictionaries({"name": NAMES, "input": WORDS})}
)
# What a provider may say beyond the specification: a name that LiteLLM cannot know.
EXTRA = st.booleans() | COUNTS | SAID | st.lists(WORDS, max_size=2) | st.dictionaries(NAMES, COUNTS, max_size=2)

MESSAGE: Generated = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | WORDS, "refusal": st.none() | WORDS},
    optional={
        "annotations": st.lists(ANNOTATION, max_size=2),
        "tool_calls": st.lists(CALL | CUSTOM_CALL, min_size=1, max_size=2),
        "audio": AUDIO,
        "reasoning_content": SAID,
        "x_of_the_provider": EXTRA,
    },
)

_USAGE: Generated = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(1, 10_000), "completion_tokens": st.integers(1, 10_000)},
    optional={
        "prompt_tokens_details": st.fixed_dictionaries(
            {"cached_tokens": COUNTS, "audio_tokens": COUNTS}, optional={"cache_write_tokens": COUNTS}
        ),
        "completion_tokens_details": st.fixed_dictionaries(
            {
                "reasoning_tokens": COUNTS,
                "audio_tokens": COUNTS,
                "accepted_prediction_tokens": COUNTS,
                "rejected_prediction_tokens": COUNTS,
            }
        ),
    },
)

# The sum is always right: LiteLLM adds it up anew for a stream.
USAGE: Generated = _USAGE.map(
    lambda usage: {**usage, "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}
)

_HEAD: dict[str, st.SearchStrategy[Any]] = {
    "id": NAMES.map("chatcmpl-{}".format),
    "created": st.integers(1_600_000_000, 1_800_000_000),
    "model": st.just("gpt-4o-2024-08-06"),
    "system_fingerprint": NAMES,
    "service_tier": st.sampled_from(["default", "flex", "priority"]),
}


def _choice(index: int) -> Generated:
    return st.fixed_dictionaries(
        {"index": st.just(index), "message": MESSAGE, "logprobs": LOGPROBS, "finish_reason": FINISHED}
    ).map(_finished_by_its_calls)


def _finished_by_its_calls(choice: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM writes `tool_calls` for the `stop` of a choice that has some (test_losses.py)."""
    stopped = choice["finish_reason"] == "stop" and "tool_calls" in choice["message"]
    return choice | {"finish_reason": "tool_calls"} if stopped else choice


def _choices() -> st.SearchStrategy[Any]:
    return st.integers(1, 3).flatmap(lambda count: st.tuples(*map(_choice, range(count))).map(list))


ANSWER: Generated = st.fixed_dictionaries(
    {**_HEAD, "object": st.just("chat.completion"), "choices": _choices(), "usage": USAGE},
    optional={"x_of_the_provider": EXTRA},
)

# A chunk that says something: LiteLLM hands on no other, but for the first and the last.
_opening_call = st.fixed_dictionaries(
    {"index": st.integers(0, 1), "id": NAMES, "type": st.just("function"), "function": FUNCTION}
)
_continued_call = st.fixed_dictionaries(
    {"index": st.integers(0, 1), "function": st.fixed_dictionaries({"arguments": SAID})}
)
DELTA: Generated = st.one_of(
    st.fixed_dictionaries({"content": SAID}),
    st.fixed_dictionaries({"content": SAID, "x_of_the_provider": EXTRA}),
    st.fixed_dictionaries({"tool_calls": st.lists(_opening_call | _continued_call, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"reasoning_content": SAID}),
    st.fixed_dictionaries({"annotations": st.lists(ANNOTATION, min_size=1, max_size=1)}),
)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The chunks of a streamed answer: role, pieces, finish, usage."""
    head = {**draw(st.fixed_dictionaries(_HEAD)), "object": "chat.completion.chunk"}
    pieces = [(delta, draw(LOGPROBS)) for delta in draw(st.lists(DELTA, min_size=1, max_size=5))]
    calls = any("tool_calls" in delta for delta, _ in pieces)
    finished = draw(FINISHED.filter(lambda reason: not (calls and reason == "stop")))

    def chunk(delta: dict[str, Any], logprobs: Any, finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return {**head, "choices": [choice], "usage": None}

    return [
        chunk({"role": "assistant", "content": ""}, None, None),
        *(chunk(delta, logprobs, None) for delta, logprobs in pieces),
        chunk({}, None, finished),
        {**head, "choices": [], "usage": draw(USAGE)},
    ]
