"""Blocks of this server's own are taken out when they come back; Anthropic's, and a client's, are kept."""

from typing import Any

import pytest

from api.dialects.anthropic import OUR_SIGNATURE, OUR_TOOL_USE_ID, without_ours

ASKED = {"role": "user", "content": "And now?"}
TEXT = {"type": "text", "text": "42"}
OURS: dict[str, dict[str, Any]] = {
    "thinking": {"type": "thinking", "thinking": "Hm.", "signature": f"{OUR_SIGNATURE}x"},
    "redacted thinking": {"type": "redacted_thinking", "data": f"{OUR_SIGNATURE}x"},
    "a call": {"type": "mcp_tool_use", "id": f"{OUR_TOOL_USE_ID}1", "name": "add", "input": {}},
    "a result": {"type": "mcp_tool_result", "tool_use_id": f"{OUR_TOOL_USE_ID}1", "content": []},
}
THEIRS: dict[str, dict[str, Any]] = {
    "thinking": {"type": "thinking", "thinking": "Hm.", "signature": "EqRaa1.x"},
    "redacted thinking": {"type": "redacted_thinking", "data": "EmwKAh"},
    "a call": {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "add", "input": {}},
    "a client's call": {"type": "tool_use", "id": f"{OUR_TOOL_USE_ID}1", "name": "add", "input": {}},
    "a block of a kind that is not known": {"type": "new"},
}


def _answered(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize("block", OURS.values(), ids=OURS)
def test_ours_is_taken_out(block: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [ASKED, _answered(block, TEXT), ASKED]}
    assert without_ours(body) == {"model": "m", "messages": [ASKED, _answered(TEXT), ASKED]}


@pytest.mark.parametrize("block", THEIRS.values(), ids=THEIRS)
def test_all_else_is_kept_and_nothing_is_made_anew(block: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [ASKED, _answered(block, TEXT), ASKED]}
    assert without_ours(body) is body


def test_a_turn_of_which_nothing_is_left_goes_with_it() -> None:
    assert without_ours({"messages": [ASKED, _answered(*OURS.values()), ASKED]}) == {"messages": [ASKED, ASKED]}


def test_a_turn_that_its_client_left_empty_is_the_clients_matter() -> None:
    body = {"messages": [_answered(), ASKED]}
    assert without_ours(body) is body
