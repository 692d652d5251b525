"""A step as it is read from whatever a model replies: its form is forgiven, and nothing is made up."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasoning.replies import MOST_TOLD, Reply, read_reply
from api.reasoning.steps import ReasoningStep, StepInvalid
from tests.unit_tests.api.reasoning.test_json_objects import VALUES

STEP = {"thought": "t", "next_action": "finished", "tools_to_use": [], "concurrent_execution": False}
TEXT = json.dumps(STEP)
NESTED = json.dumps({"thought": "t", "next": {"next_action": "finished"}})
OTHER = json.dumps({**STEP, "next_action": "continue_thinking"})


def _message(**fields: Any) -> Reply:
    return read_reply({"choices": [{"index": 0, "message": {"role": "assistant", **fields}}]})


PLACES: dict[str, Reply] = {
    "alone": Reply(TEXT),
    "in the nested form": Reply(NESTED),
    "in a fence": Reply(f"```json\n{TEXT}\n```"),
    "in a fence on one line": Reply(f"```json {TEXT}```"),
    "in a fence of tildes": Reply(f"~~~\n{TEXT}\n~~~"),
    "in a fence, words around": Reply(f"Here is my step:\n```\n{TEXT}\n```\nI hope that it helps {{you}}."),
    "words around": Reply(f"I think: {TEXT} That is it."),
    "an example beside it": Reply(f'Like {{"expression": "1 + 1"}}: {TEXT}'),
    "what is no JSON beside it": Reply(f'Of {{"a", "b"}} neither: {TEXT}'),
    "after a thought": Reply(f"<think>hm, {OTHER}?</think>\n{TEXT}"),
    "after a thought that was never opened": Reply(f"hm, {OTHER}?\n</think>\n\n{TEXT}"),
    "after a thought, in a fence": Reply(f"<think>hm</think>```json\n{TEXT}\n```"),
    "within the thought alone": Reply(f"<think>{TEXT}</think>"),
    "after a thought that was never closed": Reply(f"<think>hm {TEXT}"),
    "a tag in a text of it": Reply(TEXT.replace('"t"', '"</think>"')),
    "in another object": Reply(json.dumps({"step": STEP})),
    "JSON in a text": Reply(json.dumps(TEXT)),
    "a comma too many": Reply(TEXT[:-1] + ",}"),
    "comments": Reply(TEXT.replace('"next_action"', '/* so */ "next_action"')),
    "line breaks in a text": Reply(TEXT.replace('"t"', '"t\n"')),
    "parts": _message(content=[{"type": "text", "text": TEXT[:20]}, {"type": "text", "text": TEXT[20:]}]),
    "reasoning_content": _message(content="", reasoning_content=TEXT),
    "reasoning": _message(content=None, reasoning=f"So: {TEXT}"),
    "reasoning, as LiteLLM keeps it": _message(content=" ", provider_specific_fields={"reasoning": TEXT}),
    "a native call that is a step": _message(
        content=None, tool_calls=[{"function": {"name": "ReasoningStep", "arguments": TEXT}}]
    ),
    "an old native call that is a step": _message(content=None, function_call={"name": "step", "arguments": TEXT}),
}


@pytest.mark.parametrize("place", PLACES)
def test_one_clear_object_is_a_step_wherever_it_stands(place: str) -> None:
    step = PLACES[place].step()
    assert (step.next_action, step.tools_to_use) == ("finished", [])


# What was replied, and a word of what the model is told.
NO_STEPS: dict[str, tuple[Reply, str]] = {
    "nothing": (Reply(), "it was empty"),
    "blank": (Reply(" \n "), "it was empty"),
    "words": (Reply("I would calculate."), "not one JSON object but words"),
    "a thought and words": (Reply("<think>hm</think>I would calculate."), "not one JSON object but words"),
    "an array": (Reply(f"[{TEXT}]"), "an array"),
    "null": (Reply("null"), "but null"),
    "a number": (Reply("1"), "a single value"),
    "a text": (Reply('"hm"'), "not one JSON object"),
    "two objects": (Reply(TEXT + OTHER), "not one JSON object but 2: decide on one step"),
    "two objects in words": (Reply(f"First {TEXT}, or rather {OTHER}"), "decide on one step"),
    "two examples": (Reply('{"a": 1} or {"b": 2}'), "not one JSON object but 2"),
    "two drafts in a thought": (_message(content="", reasoning_content=f"{TEXT} {OTHER}"), "it was empty"),
    "half a step before a whole one": (Reply(TEXT[:-5] + "\n" + OTHER), "not one JSON object"),
    "a step in half an object": (Reply(f'{{"next_action": "use_tools", "steps": [{TEXT}'), "not one JSON object"),
    "said twice, differently": (Reply(TEXT[:-1] + ', "thought": "u"}'), "'thought' stands in one object twice"),
    "cut off": (Reply(TEXT[:-5], cut_off=True), "cut off at its length limit, before its JSON object was complete"),
    "cut off in words": (Reply("I would", cut_off=True), "cut off at its length limit"),
    "cut off before a word": (Reply("", "hm, hm", cut_off=True), "cut off at its length limit, before it said"),
    "native calls": (
        _message(content=None, tool_calls=[{"function": {"name": "add", "arguments": '{"next": 1}'}}]),
        "its text was empty, and it called tools natively (add)",
    ),
    "native calls and words": (
        _message(content="I add.", tool_calls=[{"function": {"name": "add", "arguments": "{}"}}]),
        "it called tools natively (add). No call was made",
    ),
    "an object in what was thought": (_message(content="", reasoning_content='{"a": 1}'), "it was empty"),
    "an object of something else": (Reply('{"a": 1}'), "thought: Field required"),
    "a step without its thought": (Reply('{"next": {"next_action": "finished"}}'), "thought: Field required"),
    "calls beside another action": (
        Reply(
            NESTED.replace('"finished"', '"finished", "tools_to_use": [{"name": "a", "arguments": {}, "reason": "r"}]')
        ),
        "next_action is finished, but tools_to_use names calls",
    ),
    "calls promised": (Reply(NESTED.replace("finished", "use_tools")), "tools_to_use: Field required"),
}


@pytest.mark.parametrize("case", NO_STEPS)
def test_the_model_is_told_what_its_reply_was(case: str) -> None:
    reply, told = NO_STEPS[case]
    with pytest.raises(StepInvalid) as caught:
        reply.step()
    assert told in str(caught.value)


@pytest.mark.parametrize("field", STEP)
def test_no_field_is_filled_in_for_the_model(field: str) -> None:
    with pytest.raises(StepInvalid, match=f"{field}: Field required"):
        Reply(json.dumps({name: value for name, value in STEP.items() if name != field})).step()


def test_a_whole_step_is_taken_though_the_reply_was_cut_off_after_it() -> None:
    assert Reply(TEXT + "\n" * 50, cut_off=True).step().thought == "t"


@pytest.mark.parametrize("odd", [None, [], {"choices": []}, {"choices": [{"message": "hm"}]}, {"choices": "hm"}])
def test_an_answer_of_another_form_is_an_empty_reply(odd: Any) -> None:
    assert read_reply(odd) == Reply()


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(" hm "), "hm"),
        (Reply("", "so"), "so"),
        (Reply(), "(no text)"),
        (Reply("x" * 9_999), "x" * MOST_TOLD + " …"),
    ],
)
def test_the_model_reads_its_reply_again_with_some_text_and_not_too_much(reply: Reply, told: str) -> None:
    assert reply.told == told


@given(st.text() | VALUES.map(json.dumps) | st.text(alphabet='{}[]",:/* \\ntruefals01'))
def test_any_reply_is_a_step_or_refused(text: str) -> None:
    with contextlib.suppress(StepInvalid):
        assert isinstance(Reply(text, thinking=text).step(), ReasoningStep)
