"""What the classifier reads of a conversation, and what counts as its last turn."""

from typing import Any

import pytest

from api.routing.conversation import INSTRUCTION_CHARACTERS, TURN_CHARACTERS, excerpt, last_turn

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}}
FILE = {"type": "file", "file": {"file_data": "CCCC"}}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_a_single_turn_is_the_request() -> None:
    assert excerpt([_user("How are you?")]) == "The request:\nHow are you?"


def test_what_is_no_text_is_named_before_however_long_a_text_and_not_shown() -> None:
    shown = excerpt([_user([_text("x" * 9_000), IMAGE, FILE, AUDIO, IMAGE])])
    assert shown.startswith("The request:\n[2 × image_url] [file] [input_audio] xxx")
    assert not {"AAAA", "BBBB", "CCCC"} & set(shown.replace("base64,", " ").split())


@pytest.mark.parametrize("split", [False, True], ids=["one text", "two parts"])
def test_a_long_text_keeps_the_question_that_stands_before_it_and_the_one_after(split: bool) -> None:
    texts = ["First question? " + "x" * 9_000, "y" * 9_000 + " Last question?"]
    shown = excerpt([_user([_text(text) for text in texts] if split else "\n".join(texts))])
    assert "First question?" in shown
    assert shown.endswith("Last question?")
    assert "[… 16,032 characters left out …]" in shown
    assert len(shown) < TURN_CHARACTERS + 100


def test_a_text_that_just_fits_is_whole() -> None:
    text = "a" + "b" * (TURN_CHARACTERS - 2) + "c"
    assert excerpt([_user(text)]).endswith(text)


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_instructions_are_shown_apart_and_short(role: str) -> None:
    instructions = {"role": role, "content": [_text("You are a calculator. " + "x" * 9_000 + " Use the tools.")]}
    shown, _, request = excerpt([instructions, _user("2 + 2?")]).partition("\n\nThe request:\n")
    assert request == "2 + 2?"
    assert shown.startswith("The application's instructions:\nYou are a calculator.")
    assert shown.endswith("Use the tools.")
    assert len(shown) < INSTRUCTION_CHARACTERS + 100


def test_the_turns_before_are_told_apart_and_the_oldest_are_left_out() -> None:
    turns = [_user("one"), *[{"role": "assistant", "content": str(turn)} for turn in range(2, 6)], _user("six")]
    before, _, request = excerpt(turns).partition("\n\nThe request:\n")
    assert before == "Earlier in the conversation:\n" + "\n".join(
        f"<assistant>{turn}</assistant>" for turn in range(2, 6)
    )
    assert request == "six"


def test_what_follows_the_last_user_turn_is_not_the_request() -> None:
    assert excerpt([_user("Why?"), {"role": "assistant", "content": "Because"}]) == "The request:\nWhy?"


@pytest.mark.parametrize("content", [None, "", [], 5, ["text"], [{"text": None}]])
def test_a_turn_without_anything_is_no_failure(content: Any) -> None:
    assert excerpt([_user(content)]).startswith("The request:\n")


def test_the_last_turn_is_its_texts_alone_and_whole() -> None:
    parts = [_text("x" * 9_000), IMAGE, _text("why?")]
    assert last_turn([_user("before"), _user(parts), {"role": "assistant", "content": "So"}]) == "x" * 9_000 + "\nwhy?"


def test_where_no_user_speaks_the_last_message_is_the_last_turn() -> None:
    assert last_turn([{"role": "system", "content": "Be brief."}]) == "Be brief."
