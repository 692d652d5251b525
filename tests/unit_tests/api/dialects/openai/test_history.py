"""What this server has said of its own, and comes back with the next request, is taken out; what a provider said is kept."""

from typing import Any

import pytest

from api.dialects.openai import marked, unmarked, without_ours
from tests.support.growth import assert_linear

ASKED = {"role": "user", "content": "And now?"}
SAID = marked("I look.\n") + "→ add({})\n"
ANSWERED = {"role": "assistant", "content": "42"}


def _sent_on(turn: dict[str, Any], field: str = "messages") -> list[Any]:
    body: dict[str, Any] = {"model": "m", field: [turn, ASKED]}
    return list(without_ours(body)[field])


OURS = {
    "the field that was streamed": {**ANSWERED, "reasoning_content": SAID},
    "trimmed": {**ANSWERED, "reasoning_content": SAID.strip()},
    "shortened": {**ANSWERED, "reasoning_content": SAID[:6]},
    "its second name": {**ANSWERED, "reasoning": SAID},
    "both names": {**ANSWERED, "reasoning": SAID, "reasoning_content": SAID},
    "the SDK's sum of all events": {
        **ANSWERED,
        "reasoning_content": SAID,
        "reasoning_event": {"type": "planningplanning"},
    },
    "an event whose text has lost its marks": {**ANSWERED, "reasoning_content": "I look.", "reasoning_event": {}},
    "within the answer, as pydantic-ai keeps it": {"role": "assistant", "content": f"<think>\n{SAID}\n</think>\n42"},
    "within the answer, as Open WebUI keeps it": {
        "role": "assistant",
        "content": f'<details type="reasoning" done="true">\n<summary>Thought for 2 seconds</summary>\n> {SAID}\n</details>\n42',
    },
}


@pytest.mark.parametrize("turn", OURS.values(), ids=OURS)
def test_ours_is_taken_out_of_a_message(turn: dict[str, Any]) -> None:
    assert _sent_on(turn) == [ANSWERED, ASKED]


def test_a_mark_is_no_part_of_what_a_person_reads() -> None:
    assert unmarked(SAID) == "I look.\n→ add({})\n"


def test_ours_is_taken_out_of_parts() -> None:
    parts = [{"type": "text", "text": f"<think>{SAID}</think>"}, {"type": "text", "text": "42"}]
    assert _sent_on({"role": "assistant", "content": parts}) == [{"role": "assistant", "content": parts[1:]}, ASKED]


PROVIDERS = {
    "DeepSeek's and Kimi's, which want it back": {"reasoning_content": "Hm."},
    "vLLM's and OpenRouter's": {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    "a thought within the answer": {"content": "<think>Hm.</think>42"},
    "an empty thought within the answer": {"content": "<think></think>42"},
}


@pytest.mark.parametrize("more", PROVIDERS.values(), ids=PROVIDERS)
def test_what_a_provider_said_is_kept_and_nothing_is_made_anew(more: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [{**ANSWERED, **more}, ASKED]}
    assert without_ours(body) is body


def test_an_answer_that_speaks_of_thoughts_is_kept() -> None:
    said = f"<think>{SAID}</think>\n\nWrite <think>Hm.</think>, or <think>"
    assert _sent_on({"role": "assistant", "content": said})[0]["content"] == "Write <think>Hm.</think>, or <think>"


def test_a_thought_that_is_not_closed_goes_to_the_end() -> None:
    assert _sent_on({"role": "assistant", "content": f"42<think>{SAID}"}) == [ANSWERED, ASKED]


def test_taking_out_takes_time_in_proportion_to_the_text() -> None:
    assert_linear(without_ours, lambda size: {"messages": [{"role": "assistant", "content": f"<think>{SAID}" * size}]})
    assert_linear(
        without_ours, lambda size: {"messages": [{"role": "assistant", "content": f"<think>{' ' * size}{SAID}"}]}
    )


@pytest.mark.parametrize("content", [None, "", f"<think>{SAID}</think>"])
def test_a_turn_of_which_nothing_is_left_goes_with_it(content: str | None) -> None:
    assert _sent_on({"role": "assistant", "content": content, "reasoning_content": SAID}) == [ASKED]


def test_calls_stay() -> None:
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1"}]}
    assert _sent_on({**calls, "reasoning_content": SAID}) == [calls, ASKED]


def test_what_a_user_says_is_the_users() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": SAID}]}
    assert without_ours(body) is body


ITEMS = {
    "a reasoning item": {"type": "reasoning", "id": "rs_raa1_1", "summary": []},
    "one without its id, as Codex sends it": {"type": "reasoning", "encrypted_content": "raa1.x", "summary": []},
    "one with nothing but its words": {"type": "reasoning", "summary": [{"type": "summary_text", "text": SAID}]},
    "a reference to one, as the Vercel SDK sends it": {"type": "item_reference", "id": "rs_raa1_1"},
    "a call of a tool of ours": {"type": "mcp_call", "id": "mcp_raa1_1", "name": "add", "arguments": "{}"},
    "the list of our tools": {"type": "mcp_list_tools", "id": "mcpl_raa1_1", "tools": []},
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_ours_is_taken_out_of_a_responses_input(item: dict[str, Any]) -> None:
    assert _sent_on(item, "input") == [ASKED]


def test_a_providers_items_are_kept() -> None:
    items = [
        {
            "type": "reasoning",
            "id": "rs_1",
            "encrypted_content": "gAAA",
            "summary": [{"type": "summary_text", "text": "Hm."}],
        },
        {"type": "mcp_call", "id": "mcp_1"},
        {"type": "item_reference", "id": "rs_2"},
    ]
    body = {"model": "m", "input": items}
    assert without_ours(body) is body


@pytest.mark.parametrize("body", [{"input": "Hello"}, {}, {"input": None}, {"messages": [ASKED]}, {"input": ["x"]}])
def test_a_request_without_turns_of_ours_is_the_same(body: dict[str, Any]) -> None:
    assert without_ours(body) is body
