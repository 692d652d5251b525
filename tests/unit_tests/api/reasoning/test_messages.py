"""Messages as strict chat templates take them, with every word that was said."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reasoning.messages import arranged

USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
STEP, RESULT = {"role": "assistant", "content": "{}"}, {"role": "user", "content": "Tool results: []"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,"}}


def _roles(messages: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in messages]


def test_our_instructions_lead() -> None:
    assert arranged("ours", [USER], []) == [{"role": "system", "content": "ours"}, USER]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_callers_instructions_stand_beside_ours_in_one_message(role: str) -> None:
    theirs = [{"role": role, "content": "Speak Latin."}, USER, {"role": "system", "content": "Be brief."}, USER]
    first, *rest = arranged("ours", theirs, [])
    assert first["role"] == "system"
    assert first["content"].startswith("ours\n\n")
    assert first["content"].endswith("\n\nSpeak Latin.\n\nBe brief.")
    assert _roles(rest) == ["user"]


def test_instructions_in_parts_stay_parts_with_what_is_said_of_them() -> None:
    part = {"type": "text", "text": "Speak Latin.", "cache_control": {"type": "ephemeral"}}
    [first, _] = arranged("ours", [{"role": "system", "content": [part]}, USER], [])
    assert first["content"][0]["text"].startswith("ours")
    assert first["content"][1:] == [part]


def test_two_turns_of_one_side_are_one() -> None:
    merged = arranged("ours", [USER, {"role": "user", "content": "and?"}, ASSISTANT, ASSISTANT, USER], [])[1:]
    assert merged == [{"role": "user", "content": "q\n\nand?"}, {"role": "assistant", "content": "a\n\na"}, USER]


def test_parts_and_texts_become_parts() -> None:
    [_, turn] = arranged("ours", [{"role": "user", "content": [IMAGE]}, USER], [])
    assert turn["content"] == [IMAGE, {"type": "text", "text": "q"}]


def test_who_spoke_is_kept_where_two_become_one() -> None:
    turns = [{**USER, "name": "ann"}, {**USER, "name": "bob"}]
    assert arranged("ours", turns, [])[1] == {"role": "user", "content": "ann:\n\nq\n\nbob:\n\nq"}
    assert arranged("ours", [turns[0], turns[0]], [])[1] == {"role": "user", "name": "ann", "content": "q\n\nq"}


def test_calls_and_their_results_stay_as_they_were() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    result = {"role": "tool", "tool_call_id": "1", "content": "3"}
    assert arranged("ours", [USER, call, result, result], [STEP, RESULT])[1:] == [
        USER,
        call,
        result,
        result,
        STEP,
        RESULT,
    ]


@pytest.mark.parametrize("conversation", [[], [{"role": "system", "content": "s"}], [USER, ASSISTANT]])
@pytest.mark.parametrize("since", [[], [STEP, RESULT], [RESULT]])
def test_there_is_always_someone_to_answer_to(conversation: list[Any], since: list[Any]) -> None:
    roles = _roles(arranged("ours", conversation, since))
    assert roles[:2] == ["system", "user"]
    assert roles[-1] == "user"


def test_what_was_sent_is_not_changed() -> None:
    conversation = [USER, dict(USER), ASSISTANT]
    before = [dict(turn) for turn in conversation]
    arranged("ours", conversation, [STEP, RESULT])
    assert conversation == before


_TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": st.text(min_size=1)}
)


@given(st.lists(_TURN), st.sampled_from([[], [STEP, RESULT], [STEP, RESULT, STEP, USER]]))
def test_whatever_is_said_one_system_message_leads_and_turns_alternate(turns: list[Any], since: list[Any]) -> None:
    messages = arranged("ours", turns, since)
    roles = _roles(messages)
    assert roles.count("system") == 1
    assert roles[0] == "system"
    assert all(one != other for one, other in itertools.pairwise(roles))
    said = "\0".join(str(message["content"]) for message in messages)
    assert all(turn["content"] in said for turn in turns)
