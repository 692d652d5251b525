"""Each end of the loop: named in the stream and in the plain answer's metadata, and answered with what was found."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.api import RunningAPI
from tests.support.demo_tools import DemoTools
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import (
    ask,
    ask_streamed,
    body,
    counted,
    finished,
    reasoning_headers,
    said,
    step,
    streamed,
    tool,
    use,
)

THINK = step("continue_thinking")
LOOK = use(tool("calculate", expression="6 * 7"))
BOTH = use(tool("calculate", expression="6 * 7"), tool("calculate", expression="1 + 1"))
LONG = use(tool("calculate", expression="10 ** 100"))
REFUSED = {
    "choices": [{"index": 0, "message": {"content": None, "provider_specific_fields": {"refusal": "I will not."}}}]
}
GOING = "The work was stopped"
NOT_MADE = "the call was not made"
OVERFLOW = {"status": 400, "error": {"message": "litellm.ContextWindowExceededError: too long", "code": "400"}}

# What the model replies, how the reasoning ends, after how many steps and calls of tools.
ENDS: dict[str, tuple[list[dict[str, Any]], str, int, int]] = {
    "finished": ([LOOK, finished()], "finished", 2, 1),
    "at once": ([finished()], "finished", 1, 0),
    "steps": ([LOOK, THINK, THINK, THINK], "max_steps", 4, 1),
    "time, while the model plans": ([LOOK, {**finished(), "delay": 5}], "max_seconds", 2, 1),
    "time, while a tool works": ([LOOK, use(tool("slow", seconds=9))], "max_seconds", 2, 2),
    "tokens": ([{**LOOK, "usage": counted(50_000, 1)}], "max_tokens", 1, 1),
    "cost": ([{**LOOK, "usage": counted(10, 10, cost=0.6)}], "max_cost", 1, 1),
    "the same call three times": ([LOOK, LOOK, LOOK], "repeated_tool_call", 3, 2),
    "the same call three times in one step": (
        [use(*[tool("calculate", expression="1")] * 3)],
        "repeated_tool_call",
        1,
        0,
    ),
    "the same calls three times": ([BOTH, BOTH, BOTH], "repeated_tool_call", 3, 4),
    "the context is full": ([LOOK, LONG, OVERFLOW], "context_length_exceeded", 3, 2),
    "refused": ([LOOK, {"refusal": "I will not plan that."}], "refused", 2, 1),
    "refused, as LiteLLM says it": ([LOOK, {"raw_body": REFUSED}], "refused", 2, 1),
    "refused, as LiteLLM says it of Anthropic": (
        [LOOK, {"content": "I will not.", "finish_reason": "content_filter"}],
        "refused",
        2,
        1,
    ),
}
# What a person reads of it.
SAID = {
    "finished": "",
    "max_steps": "(stopped: step 4 was the last one allowed)\n",
    "max_seconds": "(stopped: the time is up, after 2 s)\n",
    "max_tokens": "(stopped: 50,001 tokens were used)\n",
    "max_cost": "(stopped: $0.6 was spent)\n",
    "repeated_tool_call": "(stopped: the same call was asked for again and again)\n",
    "context_length_exceeded": "(stopped: no more fits into the model's context)\n",
    "refused": "(stopped: the model refused to plan a step)\n",
}


@pytest.fixture
def ending(case: str, request: pytest.FixtureRequest) -> RunningAPI:
    """The API whose limits fit the case: only those that are about time have little of it."""
    name = "timed" if case.startswith("time") else "limited"
    return request.getfixturevalue(name)  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", ENDS)
def test_the_end_is_named_in_the_stream_and_answered(
    ending: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    replies, end, steps, calls = ENDS[case]
    provider.script(*replies, said("What there is."), contains=mark)
    stream = ask_streamed(ending, mark)
    [complete] = stream.of("reasoning_complete")
    assert (complete["end"], complete["step"], complete["steps"], complete["tool_calls"]) == (end, steps, steps, calls)
    assert (stream.text, stream.error, stream.done) == ("What there is.", None, True)
    [told] = [delta for delta in stream.deltas if delta.get("reasoning_event") == complete]
    assert told.get("reasoning_content", "") == SAID[end]


@pytest.mark.parametrize("case", ENDS)
def test_the_end_is_named_in_a_plain_answer(
    ending: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    replies, end, steps, calls = ENDS[case]
    provider.script(*replies, said("What there is."), contains=mark)
    answer = ask(ending, mark).json()
    assert answer["metadata"] == {
        "reasoning_end": end,
        "reasoning_steps": str(steps),
        "reasoning_tool_calls": str(calls),
    }
    assert answer["choices"][0]["message"]["content"] == "What there is."


@pytest.mark.parametrize("case", [case for case in ENDS if "one step" not in case and case != "at once"])
def test_what_was_found_reaches_the_answer(
    ending: RunningAPI, provider: ScriptedProvider, mark: str, case: str
) -> None:
    replies, end, _, _ = ENDS[case]
    provider.script(*replies, said(), contains=mark)
    ask(ending, mark)
    synthesis = provider.requests(contains=mark)[-1]["body"]
    assert synthesis["metadata"]["operation"] == "synthesis"
    assert '"result": "42"' in "".join(str(message["content"]) for message in synthesis["messages"])
    assert (GOING in synthesis["messages"][-1]["content"]) is (end != "finished")


def test_what_some_calls_of_the_last_step_found_is_not_lost_when_the_time_is_up(
    timed: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    both = (tool("calculate", expression="6 * 7"), tool("slow", seconds=9))
    provider.script(use(*both, concurrent=True), said(), contains=mark)
    ask(timed, mark)
    told = provider.requests(contains=mark)[-1]["body"]["messages"][-1]["content"]
    assert '"result": "42"' in told
    assert "the work was stopped before this call came to its end" in told


def test_a_repeated_call_is_not_made_a_third_time(
    limited: RunningAPI, provider: ScriptedProvider, tools_server: DemoTools, mark: str
) -> None:
    again = use(tool("calculate", expression="11 * 11"))
    tools_server.forget()
    provider.script(again, again, again, said(), contains=mark)
    ask(limited, mark)
    assert tools_server.received()["tools/call calculate"] == 2


@pytest.mark.parametrize(
    "steps", [[BOTH] * 3, [LOOK, LOOK, BOTH]], ids=["a whole step", "one call, and another that is new"]
)
def test_each_call_of_the_step_that_repeats_is_told_as_not_made(
    limited: RunningAPI, provider: ScriptedProvider, mark: str, steps: list[dict[str, Any]]
) -> None:
    provider.script(*steps, said(), contains=mark)
    results = [event for event in ask_streamed(limited, mark).of("tool_result") if event["step"] == 3]
    assert [(event["tool"], event["ok"]) for event in results] == [("calculate", False)] * 2
    assert all(NOT_MADE in event["content"] for event in results)
    told = provider.requests(contains=mark)[-1]["body"]["messages"][-1]["content"]
    assert ("1 + 1" in told, told.count(NOT_MADE)) == (True, 2)


def test_a_full_context_costs_the_longest_results_and_keeps_the_others(
    limited: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(LOOK, LONG, OVERFLOW, said(), contains=mark)
    ask(limited, mark)
    *_, overflowed, synthesis = (str(sent["body"]["messages"]) for sent in provider.requests(contains=mark))
    assert ["0" * 100 in sent for sent in (overflowed, synthesis)] == [True, False]
    assert '"result": "42"' in synthesis
    assert "left out" in synthesis


def test_a_question_that_does_not_fit_the_context_is_an_error(
    limited: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(OVERFLOW, contains=mark)
    assert ask(limited, mark).status_code == 400


def test_the_same_tool_with_other_arguments_is_no_repetition(
    limited: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    looks = [use(tool("calculate", expression=f"{n} + 1")) for n in range(3)]
    provider.script(*looks, finished(), said(), contains=mark)
    assert ask(limited, mark).json()["metadata"]["reasoning_end"] == "finished"


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def _leave(api: RunningAPI, mark: str, *, stream: bool, when: Callable[[], bool]) -> float:
    """Asks, goes away at that moment, and says when (unix seconds)."""

    async def request() -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            await client.post(
                f"{api.base_url}/chat/completions", json=body(mark, stream=stream), headers=reasoning_headers(api)
            )

    asking = asyncio.create_task(request())
    await asyncio.to_thread(_wait, when)
    left = time.time()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return left


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("calls", [1, 2], ids=["a step", "the answer"])
async def test_a_client_that_leaves_cancels_the_call_under_way(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, calls: int, stream: bool
) -> None:
    provider.script(*[finished()] * (calls - 1), {"delay": 30}, contains=mark)
    left = await _leave(reasoner, mark, stream=stream, when=lambda: len(provider.requests(contains=mark)) == calls)
    ended = await asyncio.to_thread(provider.wait_for, "client_disconnected", contains=mark)
    assert ended["ended_at"] - left < 0.5
    assert len(provider.requests(contains=mark)) == calls


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_client_that_leaves_cancels_the_tool_under_way(
    reasoner: RunningAPI, provider: ScriptedProvider, tools_server: DemoTools, mark: str, stream: bool
) -> None:
    tools_server.forget()
    provider.script(use(tool("hang")), contains=mark)
    await _leave(reasoner, mark, stream=stream, when=lambda: tools_server.received()["tools/call hang"] == 1)
    await asyncio.to_thread(_wait, lambda: tools_server.received()["cancelled hang"] == 1)
    assert len(provider.requests(contains=mark)) == 1


def test_the_time_limit_stops_a_tool_at_once(timed: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(use(tool("hang")), said(), contains=mark)
    started = time.monotonic()
    stream = streamed(ask(timed, mark, stream=True))
    assert stream.of("reasoning_complete")[0]["end"] == "max_seconds"
    assert time.monotonic() - started < 4
