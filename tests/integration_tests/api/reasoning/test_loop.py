"""A question that takes two tools, the second on the first's result: what the client sees, and what the model is sent."""

import json
from typing import Any

import pytest

from tests.support.api import RunningAPI
from tests.support.provider import ScriptedProvider
from tests.support.reasoning import ask, ask_streamed, finished, said, step, tool, use

PRODUCT, CONVERTED = "1024", "0.636284"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SAMPLING: dict[str, Any] = {
    "temperature": 0.3,
    "max_tokens": 77,
    "stop": ["END"],
    "seed": 5,
    "top_p": 0.9,
    "n": 2,
    "verbosity": "low",
    "logit_bias": {"1": 1},
    "prediction": {"type": "content", "content": "1024"},
}
EVERYWHERE: dict[str, Any] = {
    "provider": {"data_collection": "deny"},
    "store": False,
    "service_tier": "flex",
    "safety_identifier": "s",
    "reasoning_effort": "low",
    "field_that_nobody_knows": [1],
}


def _two_tools(provider: ScriptedProvider, mark: str) -> None:
    provider.script(
        use(tool("calculate", expression="32 * 32"), thought="First the product."),
        use(tool("convert_units", value=1024, from_unit="m", to_unit="mi"), thought="Now in miles."),
        finished("Both are known."),
        said(f"It is {CONVERTED} miles."),
        contains=mark,
    )


def _conversation(mark: str) -> list[dict[str, Any]]:
    return [
        {"role": "system", "content": f"Answer like a sailor. {mark}"},
        {"role": "user", "content": "Earlier question"},
        {"role": "assistant", "content": "Earlier answer"},
        {"role": "user", "content": [{"type": "text", "text": "And this?"}, IMAGE]},
    ]


def test_the_events_come_in_this_order_with_these_values(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _two_tools(provider, mark)
    stream = ask_streamed(reasoner, mark)
    round_of_a_tool = ["iteration_start", "planning", "tool_execution_start", "tool_result", "iteration_complete"]
    last_round = ["iteration_start", "planning", "iteration_complete", "reasoning_complete"]
    assert stream.types == [*round_of_a_tool, *round_of_a_tool, *last_round]
    assert [event["step"] for event in stream.events] == [1] * 5 + [2] * 5 + [3] * 4
    assert [event["next_action"] for event in stream.of("planning")] == ["use_tools", "use_tools", "finished"]
    assert [event["tools"] for event in stream.of("tool_execution_start")] == [["calculate"], ["convert_units"]]
    first, second = stream.of("tool_result")
    assert (first["tool"], first["ok"], first["content"]) == ("calculate", True, PRODUCT)
    assert second["ok"] is True
    assert CONVERTED in second["content"]


def test_the_answer_follows_the_reasoning_and_done_follows_the_answer(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _two_tools(provider, mark)
    stream = ask_streamed(reasoner, mark)
    assert (stream.text, stream.error, stream.done) == (f"It is {CONVERTED} miles.", None, True)
    answering = [bool(delta.get("content")) for delta in stream.deltas]
    assert not any("reasoning_event" in delta for delta in stream.deltas[answering.index(True) :])


def test_the_reasoning_can_be_read_as_thinking(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    _two_tools(provider, mark)
    thinking = ask_streamed(reasoner, mark).thinking
    for part in ("First the product.", '→ calculate({"expression": "32 * 32"})', f"← calculate: {PRODUCT}", "Now in"):
        assert part in thinking


def test_a_plain_answer_is_the_result_with_its_thoughts_and_says_how_it_ended(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _two_tools(provider, mark)
    answer = ask(reasoner, mark).json()
    message = answer["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", f"It is {CONVERTED} miles.")
    _two_tools(provider, mark)
    assert message["reasoning_content"] == ask_streamed(reasoner, mark).thinking
    assert "reasoning_event" not in message
    assert answer["metadata"] == {"reasoning_end": "finished", "reasoning_steps": "3", "reasoning_tool_calls": "2"}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_each_step_is_sent_what_the_earlier_ones_found(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    _two_tools(provider, mark)
    ask(reasoner, mark, stream=stream)
    first, second, third, synthesis = (
        json.dumps(sent["body"]["messages"]) for sent in provider.requests(contains=mark)
    )
    found = '\\"result\\": \\"1024\\"'
    assert found not in first
    assert all(found in sent for sent in (second, third, synthesis))
    assert [CONVERTED in sent for sent in (first, second, third, synthesis)] == [False, False, True, True]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_every_call_keeps_the_conversation_as_it_was_sent(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    _two_tools(provider, mark)
    ask(reasoner, "", stream=stream, messages=_conversation(mark))
    calls = provider.requests(contains=mark)
    assert len(calls) == 4
    instructions, *turns = _conversation(mark)
    for sent in calls:
        first, *rest = sent["body"]["messages"]
        assert first["role"] == "system"
        assert first["content"].endswith(instructions["content"])
        assert rest[:3] == turns


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_in_every_call_one_system_message_leads_and_turns_alternate(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    thinking = step("continue_thinking")
    provider.script({"content": "no"}, thinking, {"refusal": "I will not."}, said(), contains=mark)
    odd = [*_conversation(mark), {"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Now."}]
    ask(reasoner, "", stream=stream, messages=odd)
    calls = [[message["role"] for message in sent["body"]["messages"]] for sent in provider.requests(contains=mark)]
    assert len(calls) == 4
    for roles in calls:
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2 - 1), "user"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_sampling_parameters_are_the_answers_alone(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    _two_tools(provider, mark)
    ask(reasoner, mark, stream=stream, **SAMPLING)
    *steps, synthesis = (sent["body"] for sent in provider.requests(contains=mark))
    assert synthesis.items() >= SAMPLING.items()
    assert not [name for sent in steps for name in SAMPLING if name in sent]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_else_the_caller_wants_holds_for_the_steps_too(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, stream: bool
) -> None:
    _two_tools(provider, mark)
    ask(reasoner, mark, stream=stream, **EVERYWHERE)
    for sent in provider.requests(contains=mark):
        assert sent["body"].items() >= EVERYWHERE.items()


def test_each_call_says_what_it_is_for(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    _two_tools(provider, mark)
    ask(reasoner, mark, headers={"X-Session-ID": "s-7"}, metadata={"order": "42"})
    told = [sent["body"]["metadata"] for sent in provider.requests(contains=mark)]
    assert [metadata["operation"] for metadata in told] == ["step_generation"] * 3 + ["synthesis"]
    for metadata in told:
        assert metadata["component"] == "reasoning-agent"
        assert {"component:reasoning-agent", f"operation:{metadata['operation']}"} <= set(metadata["tags"])
        assert metadata["session_id"] == "s-7"
        assert metadata["spend_logs_metadata"]["caller_metadata"] == {"order": "42"}


def test_the_model_reads_its_own_earlier_steps_in_the_form_it_is_asked_for(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _two_tools(provider, mark)
    ask(reasoner, mark)
    second = provider.requests(contains=mark)[1]["body"]["messages"]
    [own] = [json.loads(message["content"]) for message in second if message["role"] == "assistant"]
    assert json.loads(own["tools_to_use"][0]["arguments"]) == {"expression": "32 * 32"}


def test_calls_of_one_step_run_side_by_side_only_if_it_says_so(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    slow = tool("slow", seconds=1)
    for concurrent, name in ((True, "together"), (False, "in turn")):
        provider.script(use(slow, slow, concurrent=concurrent), finished(), said(), contains=mark + name)
    together, in_turn = (ask_streamed(reasoner, mark + name) for name in ("together", "in turn"))
    assert [
        event["concurrent"] for event in (*together.of("tool_execution_start"), *in_turn.of("tool_execution_start"))
    ] == [
        True,
        False,
    ]
    assert together.of("iteration_complete")[0]["duration"] < 2 <= in_turn.of("iteration_complete")[0]["duration"]


def test_thinking_goes_on_without_tools(reasoner: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    provider.script(
        {
            "json": {
                "thought": "Hm.",
                "next_action": "continue_thinking",
                "tools_to_use": [],
                "concurrent_execution": False,
            }
        },
        finished(),
        said(),
        contains=mark,
    )
    stream = ask_streamed(reasoner, mark)
    round_of_thought = ["iteration_start", "planning", "iteration_complete"]
    assert stream.types == [*round_of_thought, *round_of_thought, "reasoning_complete"]
    second = provider.requests(contains=mark)[1]["body"]["messages"]
    assert [message["role"] for message in second[-2:]] == ["assistant", "user"]


@pytest.mark.parametrize(
    "default",
    [{"response_format": {"type": "text"}}, {"tools": []}, {"tools": [], "tool_choice": "none"}, {"n": 1}],
    ids=["text", "no tools", "no choice", "one"],
)
def test_a_default_said_aloud_does_not_switch_reasoning_off(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str, default: dict[str, Any]
) -> None:
    provider.script(finished(), said("Done."), contains=mark)
    response = ask(reasoner, mark, **default)
    assert response.headers["x-routing-decision"] == "reasoning"
    assert response.json()["choices"][0]["message"]["content"] == "Done."


def test_a_request_with_functions_of_the_old_form_goes_to_the_model_itself(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    functions = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]
    provider.script(said("{}"), contains=mark)
    response = ask(reasoner, mark, functions=functions)
    assert response.headers["x-routing-decision"] == "passthrough"
    assert response.headers["x-routing-overruled"].startswith("reasoning")
    [sent] = provider.requests(contains=mark)
    assert sent["body"]["metadata"]["component"] == "passthrough"
    assert sent["body"]["functions"] == functions


def test_the_answer_alone_is_asked_for_in_the_form_that_was_asked_for(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    provider.script(finished(), said('{"a": 1}'), contains=mark)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "TheAnswersForm", "schema": schema}}
    response = ask(reasoner, mark, response_format=wanted)
    assert response.headers["x-routing-decision"] == "reasoning"
    assert response.json()["choices"][0]["message"]["content"] == '{"a": 1}'
    asked = [json.dumps(sent["body"].get("response_format")) for sent in provider.requests(contains=mark)]
    assert ["TheAnswersForm" in form for form in asked] == [False, True]


def test_a_reasoning_answer_says_that_reasoning_gave_it(
    reasoner: RunningAPI, provider: ScriptedProvider, mark: str
) -> None:
    _two_tools(provider, mark)
    headers = ask(reasoner, mark).headers
    assert (headers["x-routing-decision"], headers["x-routing-source"]) == ("reasoning", "header_override")
    assert "x-routing-overruled" not in headers
