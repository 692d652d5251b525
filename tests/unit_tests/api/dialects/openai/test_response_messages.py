"""The items of a response's input as messages, and what of ours comes back with them."""

from typing import Any

import pytest

from api.dialects.openai import carried, marked
from api.dialects.openai.response_messages import OnlyForTheModel, messages_of
from api.errors import InvalidRequest

ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How warm is it?"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"a":1}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "7 °C"}
TOLD_CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
FOUND = {"tool": "add", "arguments": "{}", "ok": True, "result": "42"}
THOUGHT = {"type": "reasoning", "id": "rs_raa1_1", "summary": [{"type": "summary_text", "text": marked("I look.")}]}
FAILED = {"type": "mcp_call", "id": "mcp_raa1_2", "name": "sub", "arguments": "{}", "output": None, "error": "broken"}
OURS = {"type": "mcp_call", "id": "mcp_raa1_1", "name": "add", "arguments": "{}", "output": "42", "error": None}


def _content(*parts: dict[str, Any], role: str = "user") -> Any:
    [message] = messages_of([{"type": "message", "role": role, "content": list(parts)}])
    return message["content"]


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
@pytest.mark.parametrize("kind", [{}, {"type": "message"}])
def test_a_message_keeps_its_role_and_its_text(role: str, kind: dict[str, str]) -> None:
    assert messages_of([{**kind, "role": role, "content": "Hi"}]) == [{"role": role, "content": "Hi"}]


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
def test_text_in_one_part_is_text(kind: str) -> None:
    assert _content({"type": kind, "text": "Hi", "annotations": []}) == "Hi"


def test_what_an_assistant_said_in_parts_is_one_text() -> None:
    assert _content({"type": "output_text", "text": "A"}, {"type": "refusal", "refusal": "B"}, role="assistant") == "AB"


PARTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an image": (
        {"type": "input_image", "image_url": "https://x/i.png"},
        {"type": "image_url", "image_url": {"url": "https://x/i.png"}},
    ),
    "an image in a detail": (
        {"type": "input_image", "image_url": "https://x/i.png", "detail": "low", "file_id": None},
        {"type": "image_url", "image_url": {"url": "https://x/i.png", "detail": "low"}},
    ),
    "an image as large as it is": (
        {"type": "input_image", "image_url": "https://x/i.png", "detail": "original"},
        {"type": "image_url", "image_url": {"url": "https://x/i.png", "detail": "high"}},
    ),
    "a file's bytes": (
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:x"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:x"}},
    ),
    "a file that is kept": (
        {"type": "input_file", "file_id": "file-1"},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    "audio": (
        {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_said_in_the_words_of_chat_completions(name: str) -> None:
    part, told = PARTS[name]
    assert _content({"type": "input_text", "text": "See:"}, part) == [{"type": "text", "text": "See:"}, told]


def test_calls_in_a_row_are_one_turn_with_what_was_said_before_them() -> None:
    said = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Wait."}],
    }
    second = {**CALL, "call_id": "call_2"}
    assert messages_of([ASKED, said, CALL, second, RESULT, {**RESULT, "call_id": "call_2"}]) == [
        {"role": "user", "content": "How warm is it?"},
        {"role": "assistant", "content": "Wait.", "tool_calls": [TOLD_CALL, {**TOLD_CALL, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "7 °C"},
        {"role": "tool", "tool_call_id": "call_2", "content": "7 °C"},
    ]


def test_a_result_in_parts_is_one_text() -> None:
    parts = [{"type": "input_text", "text": "7 "}, {"type": "input_text", "text": "°C"}]
    assert messages_of([CALL, {**RESULT, "output": parts}])[-1]["content"] == "7 °C"


def test_a_providers_reasoning_is_left_out() -> None:
    theirs = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA", "summary": []}
    assert messages_of([ASKED, theirs]) == [{"role": "user", "content": "How warm is it?"}]


def _so_far(*items: dict[str, Any]) -> str:
    _, turn, _ = messages_of([ASKED, *items, CALL, RESULT])
    assert turn["tool_calls"] == [TOLD_CALL]
    return str(turn["content"])


def test_what_was_found_in_the_turn_that_goes_on_is_told_with_its_calls() -> None:
    assert _so_far(THOUGHT, OURS, FAILED) == (
        "What I thought and found so far:\n\nI look.\n\n"
        'Tool results: [{"tool": "add", "arguments": "{}", "ok": true, "result": "42"}]\n\n'
        'Tool results: [{"tool": "sub", "arguments": "{}", "ok": false, "result": "broken"}]'
    )


CARRIED = {
    "as it was sent": {**THOUGHT, "encrypted_content": carried([FOUND])},
    "without its id, as Codex sends it": {
        "type": "reasoning",
        "encrypted_content": carried([FOUND]),
        "summary": THOUGHT["summary"],
    },
    "with its text alone": {
        "type": "reasoning",
        "id": "rs_raa1_1",
        "encrypted_content": carried([FOUND]),
        "summary": [],
        "content": [{"type": "reasoning_text", "text": marked("I look.")}],
    },
}


@pytest.mark.parametrize("item", CARRIED.values(), ids=CARRIED)
def test_a_client_that_keeps_reasoning_alone_brings_the_results_too(item: dict[str, Any]) -> None:
    assert _so_far(item) == (
        "What I thought and found so far:\n\n"
        'Tool results: [{"tool": "add", "arguments": "{}", "ok": true, "result": "42"}]\n\nI look.'
    )


def test_results_that_come_back_twice_are_told_once() -> None:
    assert _so_far(OURS, CARRIED["as it was sent"]).count('"42"') == 1


@pytest.mark.parametrize("broken", ["raa1.", "raa1.!", "raa1.eyJ9", "raa1.NDI=", "raa1.e30=", "raa1.WzQyXQ=="])
def test_what_a_client_has_broken_is_as_if_it_were_not_there(broken: str) -> None:
    assert _so_far({**THOUGHT, "encrypted_content": broken}) == "What I thought and found so far:\n\nI look."


@pytest.mark.parametrize("item", [THOUGHT, OURS, CARRIED["without its id, as Codex sends it"]])
def test_what_was_found_for_an_answer_that_was_given_is_left_out(item: dict[str, Any]) -> None:
    answer = {"role": "assistant", "content": "42"}
    assert messages_of([ASKED, item, CALL, RESULT, answer, ASKED]) == messages_of([ASKED, CALL, RESULT, answer, ASKED])
    assert messages_of([ASKED, item, answer]) == messages_of([ASKED, answer])


def test_a_reference_to_ours_says_nothing() -> None:
    assert messages_of([ASKED, {"type": "item_reference", "id": "rs_raa1_1"}, CALL]) == messages_of([ASKED, CALL])


UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "a search": ({"type": "web_search_call", "id": "ws_1"}, "web_search_call"),
    "another server's call": ({"type": "mcp_call", "id": "mcp_1"}, "mcp_call"),
    "a reference": ({"type": "item_reference", "id": "msg_1"}, "item_reference"),
    "a name that no header holds": ({"type": "a\r\nb"}, "an unknown kind"),
    "a type that is no text": ({"type": 7}, "an unknown kind"),
    "another role": ({"role": "tool", "content": "x"}, "tool"),
    "no role": ({"content": "x"}, "an unknown kind"),
    "a kept image": ({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}, "image"),
    "a file elsewhere": ({"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}, "address"),
    "another part": ({"role": "user", "content": [{"type": "input_video"}]}, "input_video"),
    "an image as a result": (
        {**RESULT, "output": [{"type": "input_image", "image_url": "data:x"}]},
        "no text",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_chat_completions_have_no_words_for_is_the_models(name: str) -> None:
    item, named = UNKNOWN[name]
    with pytest.raises(OnlyForTheModel, match=named):
        messages_of([ASKED, item])


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"role": "user", "content": [{"type": "input_text"}]}, "input[1].content[0].text"),
    "text of another type": (
        {"role": "user", "content": [{"type": "input_text", "text": 7}]},
        "input[1].content[0].text",
    ),
    "refusal": ({"role": "assistant", "content": [{"type": "refusal"}]}, "input[1].content[0].refusal"),
    "image": ({"role": "user", "content": [{"type": "input_image"}]}, "input[1].content[0].image_url"),
    "call id": ({**CALL, "call_id": None}, "input[1].call_id"),
    "name": ({**CALL, "name": None}, "input[1].name"),
    "arguments": ({**CALL, "arguments": {}}, "input[1].arguments"),
    "result's call id": ({**RESULT, "call_id": None}, "input[1].call_id"),
    "output": ({**RESULT, "output": None}, "input[1].output"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_an_item_lacks_is_named(name: str) -> None:
    item, param = INVALID[name]
    with pytest.raises(InvalidRequest) as error:
        messages_of([ASKED, item])
    assert error.value.param == param
