"""What a message is asked for beside a conversation, read off the request."""

from collections.abc import Iterator, Mapping
from typing import Any

from api.components import Operation
from api.side_calls import Said
from api.side_calls import side_call as _side_call


def side_call(body: Mapping[str, Any]) -> Operation | None:
    """What the request is for, if it is no part of a conversation. One with tools always is."""
    if body.get("tools"):
        return None
    if is_title(body):
        return Operation.TITLE
    turns = body["messages"]
    if turns[-1].get("role") != "user":
        return None
    asked = "\n".join(_texts(turns[-1].get("content")))
    return _side_call(Said([*_texts(body.get("system"))], asked, len(turns) == 1))


def is_title(body: Mapping[str, Any]) -> bool:
    """Is this the call by which an assistant finds a name for its session: no tools, and a title alone as its structured answer?"""
    if body.get("tools"):
        return False
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else body.get("output_format")
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    fields = schema.get("properties") if isinstance(schema, dict) else None
    return isinstance(fields, dict) and set(fields) == {"title"}


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (
            block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str)
        )
