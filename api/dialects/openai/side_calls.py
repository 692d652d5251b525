"""What a chat completion or a response is asked for beside a conversation, read off the request."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from api.components import Operation
from api.side_calls import Said
from api.side_calls import side_call as _side_call

_INSTRUCTING: Final = ("system", "developer")  # no set: an item's role may be anything


def side_call(body: Mapping[str, Any]) -> Operation | None:
    """What the request is for, if it is no part of a conversation. One with tools always is."""
    if body.get("tools") or body.get("functions"):
        return None
    turns = _turns(body)
    spoken = [turn for turn in turns if turn.get("role") not in _INSTRUCTING]
    if not spoken or spoken[-1].get("role", "user") != "user":
        return None
    instructions = [text for turn in turns if turn.get("role") in _INSTRUCTING for text in _texts(turn.get("content"))]
    if isinstance(own := body.get("instructions"), str):
        instructions.append(own)
    asked = "\n".join(_texts(spoken[-1].get("content")))
    return _side_call(Said(instructions, asked, len(spoken) == 1, _fields(body)))


def _turns(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    turns = body.get("messages") or body.get("input")
    if isinstance(turns, str):
        return [{"content": turns}]
    return [turn for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _fields(body: Mapping[str, Any]) -> frozenset[str]:
    """What the answer is to be made of, if it is to be an object."""
    form = body.get("response_format") or _object(body.get("text")).get("format")
    form = _object(form)
    schema = _object(form.get("json_schema") or form).get("schema")
    return frozenset(_object(_object(schema).get("properties")))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
