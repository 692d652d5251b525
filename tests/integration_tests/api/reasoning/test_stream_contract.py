"""What OpenAI's clients may rely on: one id, the role once, one finish reason, the usage of all calls, `[DONE]` last."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.support.api import TOKEN, RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import (
    MODEL,
    Stream,
    ask,
    ask_streamed,
    body,
    counted,
    finished,
    reasoning_headers,
    said,
    step,
    tool,
    use,
)

COUNTS = [
    counted(100, 10, cost=0.001, completion_tokens_details={"reasoning_tokens": 5}),
    counted(
        200,
        20,
        cost=0.002,
        completion_tokens_details={"reasoning_tokens": 6},
        prompt_tokens_details={"cached_tokens": 64},
    ),
    counted(300, 30, cost=0.003, completion_tokens_details={"reasoning_tokens": 7}),
]


def _script(provider: ScriptedProvider, mark: str) -> None:
    first, second, third = COUNTS
    provider.script(
        use(tool("calculate", expression="1 + 1"), usage=first),
        finished(usage=second),
        said("Two, I would say.", usage=third),
        contains=mark,
    )


@pytest.fixture
def stream(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> Stream:
    _script(provider, mark)
    return ask_streamed(reasoner, mark, stream_options={"include_usage": True})


def _is_the_sum(usage: dict[str, Any]) -> bool:
    counts = (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"])
    details = (usage["completion_tokens_details"]["reasoning_tokens"], usage["prompt_tokens_details"]["cached_tokens"])
    return (counts, details, usage["cost"]) == ((600, 60, 660), (18, 64), 0.006)


def test_every_chunk_is_one_of_the_same_completion(stream: Stream) -> None:
    heads = {(chunk["id"], chunk["object"], chunk["model"], chunk["created"]) for chunk in stream.chunks}
    assert len(heads) == 1
    [(identifier, kind, model, _)] = heads
    assert identifier.startswith("chatcmpl-")
    assert (kind, model) == ("chat.completion.chunk", MODEL)


def test_the_role_comes_once_and_first(stream: Stream) -> None:
    assert ["role" in delta for delta in stream.deltas] == [True] + [False] * (len(stream.deltas) - 1)


def test_one_chunk_has_the_finish_reason_and_every_chunk_has_the_field(stream: Stream) -> None:
    choices = [choice for chunk in stream.chunks for choice in chunk["choices"]]
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert all({"index", "delta", "finish_reason", "logprobs"} <= set(choice) for choice in choices)


def test_every_event_comes_in_both_forms_where_there_is_something_to_read(stream: Stream) -> None:
    told = [delta for delta in stream.deltas if "reasoning_event" in delta]
    readable = {delta["reasoning_event"]["type"] for delta in told if delta.get("reasoning_content")}
    assert readable == {"planning", "tool_execution_start", "tool_result"}
    assert not [delta for delta in stream.deltas if "reasoning_content" in delta and "reasoning_event" not in delta]


def test_an_error_can_be_read_as_well(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(use(tool("calculate", expression="1 + 1")), {"status": 429, "error": "slow down"}, contains=mark)
    stream = ask_streamed(reasoner, mark)
    assert stream.thinking.endswith(f"(failed: {stream.events[-1]['message']})\n")


def test_the_usage_is_the_sum_of_all_calls_in_a_last_chunk_without_choices(stream: Stream) -> None:
    *before, last = stream.chunks
    assert last["choices"] == []
    assert _is_the_sum(last["usage"])
    assert not [chunk for chunk in before if chunk.get("usage")]
    assert stream.done


@pytest.mark.parametrize("options", [{}, {"stream_options": None}, {"stream_options": {"include_usage": False}}])
def test_the_usage_is_left_out_unless_asked_for(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, options: dict[str, Any]
) -> None:
    _script(provider, mark)
    stream = ask_streamed(reasoner, mark, **options)
    assert not [chunk for chunk in stream.chunks if "usage" in chunk or not chunk["choices"]]
    assert stream.done


def test_a_plain_answer_has_the_same_usage_and_its_cost_in_the_header(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _script(provider, mark)
    response = ask(reasoner, mark)
    answer = response.json()
    assert _is_the_sum(answer["usage"])
    assert float(response.headers["x-litellm-response-cost"]) == 0.006
    assert (answer["object"], answer["model"]) == ("chat.completion", MODEL)


def test_the_events_say_what_each_step_and_the_whole_used(stream: Stream) -> None:
    assert [event["usage"]["total_tokens"] for event in stream.of("planning")] == [110, 220]
    assert [event["usage"]["total_tokens"] for event in stream.of("iteration_complete")] == [110, 330]
    assert stream.of("reasoning_complete")[0]["usage"]["total_tokens"] == 330
    assert all(event["duration"] >= 0 for event in stream.events if "duration" in event)


def test_several_choices_have_their_role_and_their_end_each(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _script(provider, mark)
    stream = ask_streamed(reasoner, mark, n=2)
    choices = [choice for chunk in stream.chunks for choice in chunk["choices"]]
    assert sorted(choice["index"] for choice in choices if "role" in choice["delta"]) == [0, 1]
    assert sorted(choice["index"] for choice in choices if choice["finish_reason"]) == [0, 1]


@pytest.fixture(scope="module")
def sdk(reasoner: RunningAPI) -> Iterator[openai.OpenAI]:
    mode = {"X-Routing-Mode": "reasoning"}
    with openai.OpenAI(base_url=reasoner.base_url, api_key=TOKEN, default_headers=mode, max_retries=0) as client:
        yield client


def test_the_sdk_reads_the_stream(sdk: openai.OpenAI, provider: ScriptedProvider, mark: str) -> None:
    _script(provider, mark)
    chunks = list(
        sdk.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": mark}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    extras = [choice.delta.model_extra or {} for chunk in chunks for choice in chunk.choices]
    assert text == "Two, I would say."
    assert [extra["reasoning_event"]["type"] for extra in extras if "reasoning_event" in extra][
        -1
    ] == "reasoning_complete"
    assert any("I look." in extra.get("reasoning_content", "") for extra in extras)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 660


def test_every_chunk_is_valid_to_the_letter_of_the_sdks_types(stream: Stream) -> None:
    for chunk in stream.chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)


def test_the_sdks_stream_helper_puts_the_completion_together(
    sdk: openai.OpenAI, provider: ScriptedProvider, mark: str
) -> None:
    nested = json.dumps({"any": [{"a": [1, "b"]}, 2]})
    calls = [{"name": "calculate", "arguments": nested, "reason": "r"}, tool("fail")]
    provider.script(
        use(*calls),
        step("continue_thinking"),
        use(*reversed(calls)),
        finished(),
        said("Two, I would say."),
        contains=mark,
    )
    with sdk.chat.completions.stream(model=MODEL, messages=[{"role": "user", "content": mark}]) as events:
        completion = events.get_final_completion()
    assert completion.choices[0].message.content == "Two, I would say."
    assert completion.choices[0].finish_reason == "stop"


def test_the_sdk_reads_a_plain_answer(sdk: openai.OpenAI, provider: ScriptedProvider, mark: str) -> None:
    _script(provider, mark)
    completion = sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": mark}])
    assert completion.choices[0].message.content == "Two, I would say."
    assert completion.usage is not None
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 18


def test_the_stream_comes_as_it_happens(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(finished(), {**said(), "delay": 1.0}, contains=mark)
    url = f"{reasoner.base_url}/chat/completions"
    request = {"json": body(mark, stream=True), "headers": reasoning_headers(reasoner)}
    with httpx.Client(trust_env=False) as client, client.stream("POST", url, **request) as response:  # type: ignore[arg-type]
        arrived = [(time.monotonic(), line) for line in response.iter_lines()]
    planned = next(at for at, line in arrived if '"planning"' in line)
    assert arrived[-1][0] - planned > 0.8
