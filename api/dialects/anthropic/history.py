"""What of a conversation this server has added itself, taken out when it comes back: Anthropic knows its own signatures alone."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from api.protocol import OUR_SIGNATURE

__all__ = ["OUR_SIGNATURE", "OUR_TOOL_USE_ID", "without_ours"]

OUR_TOOL_USE_ID: Final = "mcptoolu_raa1_"
# Where each kind of block says whose it is.
_SIGNED: Final = (("signature", OUR_SIGNATURE), ("data", OUR_SIGNATURE))
_NAMED: Final = (("id", OUR_TOOL_USE_ID), ("tool_use_id", OUR_TOOL_USE_ID))
_TELLING: Final = {
    "thinking": _SIGNED,
    "redacted_thinking": _SIGNED,
    "mcp_tool_use": _NAMED,
    "mcp_tool_result": _NAMED,
}

Body = TypeVar("Body", bound=Mapping[str, Any])


def without_ours(body: Body) -> Body:
    """The request without what only this server has said; itself where there is none of it.

    A turn of which nothing is left goes with it, since Anthropic refuses an empty one; two turns of one side in a row it takes
    as one.
    """
    turns = body.get("messages")
    if not isinstance(turns, list) or not any(map(_holds_ours, turns)):
        return body
    cleaned = [_less_ours(turn) if _holds_ours(turn) else turn for turn in turns]
    return {**body, "messages": [turn for turn in cleaned if turn["content"]]}  # type: ignore[return-value]


def _holds_ours(turn: Any) -> bool:
    content = turn.get("content")
    return isinstance(content, list) and any(map(_is_ours, content))


def _less_ours(turn: Mapping[str, Any]) -> dict[str, Any]:
    return {**turn, "content": [block for block in turn["content"] if not _is_ours(block)]}


def _is_ours(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kind = block.get("type")
    telling = _TELLING.get(kind, ()) if isinstance(kind, str) else ()
    return any(isinstance(said := block.get(field), str) and said.startswith(begin) for field, begin in telling)
