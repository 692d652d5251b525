"""The output of a response, item by item, and the events that tell how each comes to be.

Every method returns the events of what it does; `items` is the output so far, without what is not whole yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from api.sse import event

Item = dict[str, Any]


class Output:
    """Numbers events and items. An item has the place at which it was begun."""

    def __init__(self) -> None:
        self._places: list[Item | None] = []
        self._numbers = count()

    @property
    def items(self) -> list[Item]:
        return [item for item in self._places if item is not None]

    def tell(self, kind: str, **fields: Any) -> bytes:
        """One event."""
        return event({"type": kind, "sequence_number": next(self._numbers), **fields}, name=kind)

    def begin(self, item: Item) -> tuple[int, bytes]:
        """The item's place."""
        self._places.append(None)
        place = len(self._places) - 1
        return place, self.tell("response.output_item.added", output_index=place, item=item)

    def end(self, place: int, item: Item) -> bytes:
        """The item as it is in the end."""
        self._places[place] = item
        return self.tell("response.output_item.done", output_index=place, item=item)


class _Growing:
    """An item that is begun; its events name it and its place."""

    def __init__(self, output: Output, item: Item) -> None:
        self._output = output
        self._item = item
        self._place, self.told = output.begin({**item})

    def _tell(self, kind: str, **fields: Any) -> bytes:
        return self._output.tell(f"response.{kind}", item_id=self._item["id"], output_index=self._place, **fields)

    def _end(self, **fields: Any) -> bytes:
        return self._output.end(self._place, {**self._item, **fields})


class Thought(_Growing):
    """A reasoning item: its text is what the model thought, its summary what a person reads."""

    def __init__(self, output: Output, prefix: str, encrypted: str | None) -> None:
        carried = {} if encrypted is None else {"encrypted_content": encrypted}
        item = {"id": f"{prefix}{uuid4().hex}", "type": "reasoning", "summary": [], "content": [], **carried}
        super().__init__(output, item)
        self._shown: list[str] = []
        self._thought: list[str] = []

    def say(self, shown: str, thought: str) -> bytes:
        """The next piece of both."""
        begun = b"" if self._shown else self._begin_parts()
        self._shown.append(shown)
        self._thought.append(thought)
        summary = self._tell("reasoning_summary_text.delta", summary_index=0, delta=shown)
        return begun + summary + self._tell("reasoning_text.delta", content_index=0, delta=thought)

    def end_unsaid(self) -> bytes:
        """An item that says nothing, and only carries something."""
        return self.told + self._end()

    def _begin_parts(self) -> bytes:
        summary = self._tell("reasoning_summary_part.added", summary_index=0, part=_summary(""))
        return summary + self._tell("content_part.added", content_index=0, part=_thought(""))

    def end(self) -> bytes:
        shown, thought = "".join(self._shown), "".join(self._thought)
        events = (
            self._tell("reasoning_summary_text.done", summary_index=0, text=shown),
            self._tell("reasoning_summary_part.done", summary_index=0, part=_summary(shown)),
            self._tell("reasoning_text.done", content_index=0, text=thought),
            self._tell("content_part.done", content_index=0, part=_thought(thought)),
            self._end(summary=[_summary(shown)], content=[_thought(thought)]),
        )
        return b"".join(events)


class ToolCall(_Growing):
    """A call of a tool that this server makes."""

    def __init__(self, output: Output, prefix: str, name: str, arguments: str, server: str) -> None:
        item = {"type": "mcp_call", "name": name, "server_label": server, "output": None, "error": None}
        item = {"id": f"{prefix}{uuid4().hex}", **item, "approval_request_id": None}
        super().__init__(output, {**item, "arguments": "", "status": "in_progress"})
        self._item["arguments"] = arguments
        self.told += self._tell("mcp_call.in_progress")
        self.told += self._tell("mcp_call_arguments.delta", delta=arguments)
        self.told += self._tell("mcp_call_arguments.done", arguments=arguments)

    def succeeded(self, found: str) -> bytes:
        return self._tell("mcp_call.completed") + self._end(status="completed", output=found)

    def failed(self, why: str) -> bytes:
        return self._tell("mcp_call.failed") + self._end(status="failed", error=why)


class Message(_Growing):
    """What the answer says: text, or why it is refused."""

    def __init__(self, output: Output) -> None:
        item = {"id": f"msg_{uuid4().hex}", "type": "message", "role": "assistant", "content": []}
        super().__init__(output, {**item, "status": "in_progress"})
        self._parts: list[Item] = []

    def say(self, text: str, logprobs: Sequence[Mapping[str, Any]]) -> bytes:
        """The next piece of its text."""
        begun = self._part({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
        part = self._parts[-1]
        part["text"] += text
        part["logprobs"] += logprobs
        place = len(self._parts) - 1
        told = [_without_bytes(each) for each in logprobs]
        return begun + self._tell("output_text.delta", content_index=place, delta=text, logprobs=told)

    def refuse(self, why: str) -> bytes:
        """The next piece of its refusal."""
        begun = self._part({"type": "refusal", "refusal": ""})
        self._parts[-1]["refusal"] += why
        return begun + self._tell("refusal.delta", content_index=len(self._parts) - 1, delta=why)

    def end(self, status: str) -> bytes:
        return self._end_part() + self._end(content=self._parts, status=status)

    def _part(self, new: Item) -> bytes:
        """Begins the part, unless it is under way."""
        if self._parts and self._parts[-1]["type"] == new["type"]:
            return b""
        ended = self._end_part()
        self._parts.append(new)
        return ended + self._tell("content_part.added", content_index=len(self._parts) - 1, part=new)

    def _end_part(self) -> bytes:
        if not self._parts:
            return b""
        place, part = len(self._parts) - 1, self._parts[-1]
        if part["type"] == "refusal":
            said = self._tell("refusal.done", content_index=place, refusal=part["refusal"])
        else:
            logprobs = [_without_bytes(each) for each in part["logprobs"]]
            said = self._tell("output_text.done", content_index=place, text=part["text"], logprobs=logprobs)
        return said + self._tell("content_part.done", content_index=place, part=part)


class FunctionCall(_Growing):
    """A call of a tool of the client's, which the client makes."""

    def __init__(self, output: Output, call_id: str, name: str) -> None:
        item = {"id": f"fc_{uuid4().hex}", "type": "function_call", "call_id": call_id, "name": name}
        super().__init__(output, {**item, "arguments": "", "status": "in_progress"})

    def say(self, arguments: str) -> bytes:
        """The next piece of its arguments."""
        self._item["arguments"] += arguments
        return self._tell("function_call_arguments.delta", delta=arguments)

    def end(self, status: str) -> bytes:
        arguments = self._item["arguments"]
        done = self._tell("function_call_arguments.done", name=self._item["name"], arguments=arguments)
        return done + self._end(status=status)


def _summary(text: str) -> Item:
    return {"type": "summary_text", "text": text}


def _thought(text: str) -> Item:
    return {"type": "reasoning_text", "text": text}


def _without_bytes(logprob: Mapping[str, Any]) -> Item:
    """Events leave them out, at each token and at each that it might have been."""
    others = [{name: other.get(name) for name in ("token", "logprob")} for other in _others(logprob)]
    return {"token": logprob.get("token"), "logprob": logprob.get("logprob"), "top_logprobs": others}


def _others(logprob: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (other for other in logprob.get("top_logprobs") or () if isinstance(other, Mapping))
