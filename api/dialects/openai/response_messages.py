"""The items of a response's input as the messages of a chat completion.

Of what this server has said itself, the turn that still goes on keeps what was found: the model reads it again as its own words.
A provider's own reasoning is left out; a chat completion has no place for it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.dialects.openai.history import is_ours
from api.dialects.openai.response_memory import Found, found_before, thought_of
from api.errors import InvalidRequest

Item = Mapping[str, Any]
Message = dict[str, Any]

_ROLES: Final = frozenset({"user", "assistant", "system", "developer"})
_PLAIN: Final = re.compile(r"[a-z0-9_.-]{1,64}", re.IGNORECASE)
# Of ours; a reference to one says nothing, since no item is kept, and a list of tools nothing that was found.
_KEPT: Final = frozenset({"reasoning", "mcp_call"})
_SO_FAR: Final = "What I thought and found so far:"


class OnlyForTheModel(Exception):
    """Why a request cannot be told as a chat completion request, in words that fit a header."""


def messages_of(items: Sequence[Item]) -> list[Message]:
    """The messages that say the same.

    Raises:
        OnlyForTheModel: an item is of a kind that chat completions do not have.
        InvalidRequest: an item lacks what its kind must have.
    """
    asked = max((place for place, item in enumerate(items) if item.get("role") == "user"), default=-1)
    conversation = _Conversation()
    for place, item in enumerate(items):
        conversation.take(item, f"input[{place}]", goes_on=place > asked)
    return conversation.messages


def named(kind: Any) -> str:
    """A kind as a sentence may quote it, which stands in a header."""
    return kind if isinstance(kind, str) and _PLAIN.fullmatch(kind) else "an unknown kind"


def needed(part: Item, name: str, where: str) -> str:
    """The text that must stand there.

    Raises:
        InvalidRequest: it does not.
    """
    value = part.get(name)
    if isinstance(value, str):
        return value
    param = f"{where}.{name}"
    if value is None:
        message = f"Missing required parameter: '{param}'."
        raise InvalidRequest(message, param=param, code="missing_required_parameter")
    raise InvalidRequest(f"Invalid type for '{param}': expected a string.", param=param, code="invalid_type")


class _Conversation:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._ours: list[Item] = []

    def take(self, item: Item, where: str, *, goes_on: bool) -> None:
        """The next item; `goes_on`: it belongs to the turn that is not answered yet."""
        if is_ours(item):
            if goes_on and item.get("type") in _KEPT:
                self._ours.append(item)
            return
        match item.get("type") or "message":
            case "message":
                self.messages.append(_message(item, where))
            case "function_call":
                self._call(item, where)
            case "function_call_output":
                self.messages.append(_result(item, where))
            case "reasoning":
                pass
            case kind:
                raise OnlyForTheModel(f"input of the type {named(kind)} is for the model itself")

    def _call(self, item: Item, where: str) -> None:
        """Calls that follow each other are one turn, together with what was said before them."""
        function = {"name": needed(item, "name", where), "arguments": needed(item, "arguments", where)}
        call = {"id": needed(item, "call_id", where), "type": "function", "function": function}
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": None})
        turn = self.messages[-1]
        if self._ours:
            turn["content"] = _led_by(_so_far(self._ours), turn["content"])
            self._ours = []
        turn.setdefault("tool_calls", []).append(call)


def _led_by(text: str, content: str | list[Message] | None) -> str | list[Message]:
    if isinstance(content, list):
        return [{"type": "text", "text": text}, *content]
    return f"{text}\n\n{content}" if content else text


def _message(item: Item, where: str) -> Message:
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise OnlyForTheModel(f"input of the role {named(role)} is for the model itself")
    content = item.get("content")
    if not isinstance(content, list):
        # What is neither text nor parts has been refused before.
        return {"role": role, "content": content or ""}
    parts = [_part(part, f"{where}.content[{place}]") for place, part in enumerate(content)]
    if role == "assistant" or len(parts) == 1:
        # Said at once: many providers take nothing else of an assistant.
        return {"role": role, "content": _as_text(parts)}
    return {"role": role, "content": parts}


def _as_text(parts: list[Message]) -> str | list[Message]:
    texts = [part.get("text", part.get("refusal")) for part in parts]
    return "".join(map(str, texts)) if None not in texts else parts


def _part(part: Item, where: str) -> Message:
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": needed(part, "text", where)}
        case "refusal":
            return {"type": "refusal", "refusal": needed(part, "refusal", where)}
        case "input_image":
            return _image(part, where)
        case "input_file":
            return _file(part)
        case "input_audio" if isinstance(part.get("input_audio"), dict):
            return {"type": "input_audio", "input_audio": part["input_audio"]}
        case kind:
            raise OnlyForTheModel(f"a part of the type {named(kind)} is for the model itself")


def _image(part: Item, where: str) -> Message:
    if part.get("file_id"):
        raise OnlyForTheModel("an image that its provider keeps is for the model itself")
    # What chat completions call the most that there is.
    detail = "high" if part.get("detail") == "original" else part.get("detail")
    image = {"url": needed(part, "image_url", where)} | ({"detail": detail} if detail else {})
    return {"type": "image_url", "image_url": image}


def _file(part: Item) -> Message:
    if part.get("file_url"):
        raise OnlyForTheModel("a file at an address is for the model itself")
    kept = ("file_id", "file_data", "filename")
    return {"type": "file", "file": {name: part[name] for name in kept if part.get(name) is not None}}


def _result(item: Item, where: str) -> Message:
    output = item.get("output")
    if isinstance(output, list):
        parts = [_part(part, f"{where}.output[{place}]") for place, part in enumerate(output) if isinstance(part, dict)]
        if any(part["type"] != "text" for part in parts):
            raise OnlyForTheModel("the output of a function that is no text is for the model itself")
        output = "".join(part["text"] for part in parts)
    return {
        "role": "tool",
        "tool_call_id": needed(item, "call_id", where),
        "content": output if isinstance(output, str) else needed(item, "output", where),
    }


def _so_far(ours: Sequence[Item]) -> str:
    """As the agent tells a model of its own steps: results as JSON, so that none can look like anything but data."""
    calls = [item for item in ours if item["type"] == "mcp_call"]
    told: list[str] = []
    for item in ours:
        if item["type"] == "mcp_call":
            told.append(_results([_found(item)]))
        else:
            # Whoever keeps the calls themselves needs no second account of them.
            found = [] if calls else found_before(item)
            told += [_results(found) if found else "", thought_of(item)]
    return "\n\n".join([_SO_FAR, *filter(None, told)])


def _results(found: Sequence[Found]) -> str:
    return "Tool results: " + json.dumps(found, ensure_ascii=False)


def _found(call: Item) -> Found:
    error = call.get("error")
    return {
        "tool": call.get("name"),
        "arguments": call.get("arguments"),
        "ok": error is None,
        "result": call.get("output") if error is None else error,
    }
