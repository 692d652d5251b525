"""Generated provider answers: whatever OpenAI's specification lets a chat completion say."""

from typing import Any, NamedTuple

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
    {"role": st.just("assistant"), "content": st.none() | WORDS},
    optional={
        "refusal": st.none() | WORDS,
        "annotations": st.none() | st.lists(ANNOTATION, max_size=2),
        "tool_calls": st.none() | st.lists(CALL | CUSTOM_CALL, min_size=1, max_size=2),
        "function_call": st.none() | FUNCTION,
        "audio": st.none() | AUDIO,
        "reasoning_content": SAID,
        "x_of_the_provider": EXTRA,
    },
)

_PROMPT_DETAILS = {"cached_tokens": COUNTS, "audio_tokens": COUNTS}
_COMPLETION_DETAILS = {
    "reasoning_tokens": COUNTS,
    "audio_tokens": COUNTS,
    "accepted_prediction_tokens": COUNTS,
    "rejected_prediction_tokens": COUNTS,
}
_USAGE: Generated = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(1, 10_000), "completion_tokens": st.integers(1, 10_000)},
    optional={
        "prompt_tokens_details": st.none()
        | st.fixed_dictionaries(_PROMPT_DETAILS, optional={"cache_write_tokens": COUNTS}),
        "completion_tokens_details": st.none() | st.fixed_dictionaries(_COMPLETION_DETAILS),
        "x_of_the_provider": EXTRA,
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
}
_SELDOM: dict[str, st.SearchStrategy[Any]] = {
    "system_fingerprint": st.none() | NAMES,
    "service_tier": st.none() | st.sampled_from(["default", "flex", "priority"]),
    "x_of_the_provider": EXTRA,
}


def _choice(index: int) -> Generated:
    return st.fixed_dictionaries(
        {"index": st.just(index), "message": MESSAGE, "logprobs": LOGPROBS, "finish_reason": FINISHED},
        optional={"x_of_the_provider": EXTRA},
    ).map(_finished_by_its_calls)


def _finished_by_its_calls(choice: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM writes `tool_calls` for the `stop` of a choice that has some (test_losses.py)."""
    stopped = choice["finish_reason"] == "stop" and choice["message"].get("tool_calls")
    return choice | {"finish_reason": "tool_calls"} if stopped else choice


def _choices() -> st.SearchStrategy[Any]:
    return st.integers(1, 3).flatmap(lambda count: st.tuples(*map(_choice, range(count))).map(list))


ANSWER: Generated = st.fixed_dictionaries(
    {**_HEAD, "object": st.just("chat.completion"), "choices": _choices(), "usage": USAGE}, optional=_SELDOM
)

_place = st.integers(0, 1)
_opening_call = st.fixed_dictionaries({"index": _place, "id": NAMES, "type": st.just("function"), "function": FUNCTION})
_continued_call = st.fixed_dictionaries({"index": _place, "function": st.fixed_dictionaries({"arguments": SAID})})
_custom = st.fixed_dictionaries({"name": NAMES, "input": WORDS})
_opening_custom = st.fixed_dictionaries({"index": _place, "id": NAMES, "type": st.just("custom"), "custom": _custom})
_continued_custom = st.fixed_dictionaries({"index": _place, "custom": st.fixed_dictionaries({"input": SAID})})
_CALLS = st.lists(_opening_call | _continued_call | _opening_custom | _continued_custom, min_size=1, max_size=2)
_AUDIO: dict[str, st.SearchStrategy[Any]] = {
    "id": NAMES,
    "data": st.just("AAAA"),
    "transcript": SAID,
    "expires_at": COUNTS,
}
# Each says something; a chunk that does not is LiteLLM's to drop (test_losses.py).
DELTA: Generated = st.one_of(
    st.fixed_dictionaries({"content": SAID}),
    st.fixed_dictionaries({"content": SAID, "x_of_the_provider": EXTRA}),
    st.fixed_dictionaries({"tool_calls": _CALLS}),
    st.fixed_dictionaries({"function_call": FUNCTION}),
    st.fixed_dictionaries({"reasoning_content": SAID}),
    st.fixed_dictionaries({"refusal": SAID}),
    st.fixed_dictionaries({"annotations": st.lists(ANNOTATION, min_size=1, max_size=1)}),
    st.sampled_from(sorted(_AUDIO))
    .flatmap(lambda name: st.fixed_dictionaries({name: _AUDIO[name]}))
    .map(lambda piece: {"audio": piece}),
)
_OPENING: Generated = st.fixed_dictionaries(
    {"role": st.just("assistant")}, optional={"content": st.sampled_from(["", None]), "refusal": st.none()}
)


class Streamed(NamedTuple):
    """The chunks of an answer, and whether its usage was asked for."""

    chunks: list[dict[str, Any]]
    usage_asked: bool


@st.composite
def streams(draw: st.DrawFn) -> Streamed:
    """A streamed answer of one to three choices: each one's role, pieces of any of them, each one's finish, the usage."""
    head = {**draw(st.fixed_dictionaries(_HEAD, optional=_SELDOM)), "object": "chat.completion.chunk"}
    asked = draw(st.booleans())
    null_usage: dict[str, Any] = {"usage": None} if asked else {}
    places = list(range(draw(st.integers(1, 3))))
    pieces = draw(st.lists(st.tuples(st.sampled_from(places), DELTA, LOGPROBS), min_size=1, max_size=5))
    calls = any("tool_calls" in delta for _, delta, _ in pieces)
    reasons = FINISHED.filter(lambda reason: not (calls and reason == "stop"))

    def chunk(index: int, delta: dict[str, Any], logprobs: Any = None, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return {**head, "choices": [choice | draw(_CHOICE_EXTRA)], **null_usage}

    chunks = [
        *(chunk(index, draw(_OPENING)) for index in places),
        *(chunk(index, delta, logprobs) for index, delta, logprobs in pieces),
        *(chunk(index, {}, finish=draw(reasons)) for index in places),
    ]
    return Streamed([*chunks, {**head, "choices": [], "usage": draw(USAGE)}] if asked else chunks, asked)


_CHOICE_EXTRA: Generated = st.just({}) | st.fixed_dictionaries({"x_of_the_provider": EXTRA})
