"""A message that this server writes itself, as the events of its stream: blocks one after the other, each ended before the next."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

from api.dialects.anthropic.message import OF_BLOCKS, UNSAID, UNUSED

Payload = dict[str, Any]

_TEXT: Final[Payload] = {"type": "text", "text": "", **OF_BLOCKS["text"]}
_THINKING: Final[Payload] = {"type": "thinking", "thinking": "", "signature": ""}
_NO_STOP: Final[Payload] = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
# What a delta adds to, by its type; its own field has the same name but for this one.
_FIELDS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class WrittenMessage:
    """Each method gives the events that say what it is told. `sign` gives the signature of thoughts at the end of their block."""

    def __init__(self, model: str, sign: Callable[[], str]) -> None:
        self._head = {"id": f"msg_{uuid4().hex[:24]}", "type": "message", "role": "assistant", "model": model}
        self._sign = sign
        self._index = 0
        self._open: str | None = None

    def start(self, usage: Mapping[str, Any]) -> Payload:
        """The first event."""
        nothing_yet: Payload = {"content": [], **UNSAID, **_NO_STOP, "usage": {**UNUSED, **usage}}
        return {"type": "message_start", "message": {**self._head, **nothing_yet}}

    def thinks(self, text: str) -> Iterator[Payload]:
        """A piece of a thought."""
        yield from self._opened(_THINKING)
        yield self._delta("thinking_delta", thinking=text)

    def says(self, text: str) -> Iterator[Payload]:
        """A piece of the answer."""
        yield from self._opened(_TEXT)
        yield self._delta("text_delta", text=text)

    def calls(self, identifier: str, name: str, arguments: str) -> Iterator[Payload]:
        """A whole call of a tool of the client's."""
        block = {"type": "tool_use", "id": identifier, "name": name, "input": {}, **OF_BLOCKS["tool_use"]}
        yield from self._opened(block, anew=True)
        yield self._delta("input_json_delta", partial_json=arguments)

    def closed(self) -> Iterator[Payload]:
        """The end of the block that is open, if one is."""
        if self._open is None:
            return
        if self._open == "thinking":
            yield self._delta("signature_delta", signature=self._sign())
        yield {"type": "content_block_stop", "index": self._index}
        self._index += 1
        self._open = None

    def end(self, stop_reason: str, usage: Mapping[str, Any]) -> Iterator[Payload]:
        """Why it ended, what all of it used, and that it was all."""
        yield from self.closed()
        yield {
            "type": "message_delta",
            "delta": {**_NO_STOP, "stop_reason": stop_reason},
            "usage": dict(usage),
        }
        yield {"type": "message_stop"}

    def _opened(self, block: Payload, *, anew: bool = False) -> Iterator[Payload]:
        if self._open == block["type"] and not anew:
            return
        yield from self.closed()
        self._open = block["type"]
        yield {"type": "content_block_start", "index": self._index, "content_block": dict(block)}

    def _delta(self, kind: str, **fields: str) -> Payload:
        return {"type": "content_block_delta", "index": self._index, "delta": {"type": kind, **fields}}


def whole_message(events: Iterable[Payload]) -> dict[str, Any]:
    """The message that these events say, as it is answered without a stream."""
    message: dict[str, Any] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                message["content"].append(event["content_block"])
            case "content_block_delta":
                _add(message["content"][event["index"]], event["delta"])
            case "message_delta":
                usage = {**message["usage"], **event["usage"]}
                message = {**message, **event["delta"], "usage": usage}
    return message


def _add(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    if (field := _FIELDS.get(delta["type"])) is not None:
        block[field] += delta[field]
    else:
        block["input"] = _object(delta["partial_json"])


def _object(arguments: str) -> Any:
    """A model may write arguments that are none; clients expect an object."""
    try:
        read = json.loads(arguments)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
