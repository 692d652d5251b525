"""The answer, which comes as the chunks of a chat completion, as the items of a response."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from api.reasoning.writers.response_output import FunctionCall, Message, Output, Thought


class ResponseAnswer:
    """Takes the deltas of one choice. What the model thinks before it answers is an item of its own, from `think`."""

    def __init__(self, output: Output, think: Callable[[], Thought]) -> None:
        self.finish_reason: str | None = None
        self._output = output
        self._think = think
        self._thought: Thought | None = None
        self._message: Message | None = None
        self._calls: dict[int, FunctionCall] = {}

    def take(self, choice: Mapping[str, Any]) -> bytes:
        """The events of this piece of the answer."""
        delta = choice.get("delta") or {}
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        events = b""
        if thought := delta.get("reasoning_content"):
            events += self._thinks(str(thought))
        if (content := delta.get("content")) and isinstance(content, str):
            events += self._speaks()
            events += self._said.say(content, (choice.get("logprobs") or {}).get("content") or ())
        if refusal := delta.get("refusal"):
            events += self._speaks() + self._said.refuse(str(refusal))
        return events + b"".join(map(self._calls_on, delta.get("tool_calls") or ()))

    def end(self, status: str) -> bytes:
        """Ends what is under way. An answer that says nothing and calls nothing is an empty message."""
        opened = b"" if self._calls or self._message is not None else self._speaks()
        events = opened + self._end_thought() + self._end_message(status)
        return events + b"".join(call.end(status) for call in self._calls.values())

    @property
    def _said(self) -> Message:
        assert self._message is not None  # noqa: S101 - `_speaks` comes first
        return self._message

    def _thinks(self, text: str) -> bytes:
        begun = b""
        if self._thought is None:
            self._thought = self._think()
            begun = self._thought.told
        return begun + self._thought.say(text, text)

    def _speaks(self) -> bytes:
        """Begins the message, unless it is under way."""
        if self._message is not None:
            return b""
        ended = self._end_thought()
        self._message = Message(self._output)
        return ended + self._message.told

    def _calls_on(self, call: Mapping[str, Any]) -> bytes:
        function = call.get("function") or {}
        place = call.get("index", 0)
        begun = b""
        if place not in self._calls:
            begun = self._end_thought() + self._end_message("completed")
            call_id = call.get("id") or f"call_{uuid4().hex}"
            self._calls[place] = FunctionCall(self._output, call_id, str(function.get("name") or ""))
            begun += self._calls[place].told
        arguments = function.get("arguments")
        return begun + (self._calls[place].say(arguments) if arguments else b"")

    def _end_thought(self) -> bytes:
        thought, self._thought = self._thought, None
        return b"" if thought is None else thought.end()

    def _end_message(self, status: str) -> bytes:
        message, self._message = self._message, None
        return b"" if message is None else message.end(status)
