"""The answer as Anthropic's clients read it: a block of thoughts a step, then text and calls of the client's own tools.

What our tools did is told within the thoughts. Anthropic has blocks for it, `mcp_tool_use` and `mcp_tool_result`, but its SDKs
know them in `beta` alone, and Claude Code ends a stream in which one of them is streamed as Anthropic streams it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from api.dialects.anthropic import (
    PING,
    SIGNATURES_LONGEST,
    Payload,
    WrittenMessage,
    error_event,
    signed,
    usage_less,
    usage_of_chat,
    whole_message,
)
from api.dialects.openai import chat_answer
from api.errors import APIError
from api.reasoning.events import EventType, ReasoningEvent
from api.reasoning.run import Run
from api.sse import event

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
# Characters that are kept of a result, where all of it does not fit.
_SHORTER: Final = (20_000, 4_000, 1_000)


class MessageWriter:
    """The events of one message, or the message."""

    keepalive = PING
    keeps_thoughts = True

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._message = WrittenMessage(body["model"], self._sign)
        self._plans: list[dict[str, int]] = []
        self._step: list[ReasoningEvent] = []
        self._room = SIGNATURES_LONGEST
        self._calls: dict[int, dict[str, str]] = {}
        self._begun = False
        self._stop_reason = "end_turn"

    def opening(self) -> bytes:
        """Nothing yet: a message begins with what was read for it, which is known with the first step."""
        return b""

    def of_event(self, emitted: ReasoningEvent) -> bytes:
        return _written(self._told(emitted))

    def of_answer(self, chunk: Mapping[str, Any]) -> bytes:
        return _written(self._answered(chunk, "delta"))

    def closing(self, run: Run) -> bytes:
        return _written(self._closed(run))

    def error_event(self, error: APIError) -> bytes:
        return error_event(error)

    def whole(self, completion: Mapping[str, Any], events: Sequence[ReasoningEvent], run: Run) -> dict[str, Any]:
        """What a stream would have said, put together as its readers do."""
        body = dict(completion)
        chat_answer(body)
        payloads = [payload for emitted in events for payload in self._told(emitted)]
        return whole_message([*payloads, *self._answered(body, "message"), *self._closed(run)])

    def _told(self, emitted: ReasoningEvent) -> Iterator[Payload]:
        if emitted.type is EventType.ERROR:
            return  # Anthropic's own event says it
        if emitted.type is EventType.PLANNING:
            self._plans.append(usage_of_chat(emitted.details.get("usage", {})))
            yield from self._begins()
        if emitted.text.strip():
            yield from self._begins()
            self._step.append(emitted)
            yield from self._message.thinks(emitted.text)
        if emitted.type in (EventType.ITERATION_COMPLETE, EventType.REASONING_COMPLETE):
            yield from self._message.closed()

    def _answered(self, chunk: Mapping[str, Any], field: str) -> Iterator[Payload]:
        """A message has one answer, which is the first choice."""
        for choice in chunk["choices"]:
            if choice.get("index", 0) == 0:
                yield from self._begins()
                yield from self._said(choice.get(field) or {})
                if (reason := choice.get("finish_reason")) and self._stop_reason != "refusal":
                    self._stop_reason = _STOP_REASONS.get(reason, "end_turn")

    def _said(self, said: Mapping[str, Any]) -> Iterator[Payload]:
        if thought := said.get("reasoning_content"):
            yield from self._message.thinks(str(thought))
        if text := said.get("content"):
            yield from self._message.says(str(text))
        if refusal := said.get("refusal"):
            self._stop_reason = "refusal"
            yield from self._message.says(str(refusal))
        for place, call in enumerate(said.get("tool_calls") or ()):
            self._collect(call.get("index", place), call)

    def _collect(self, index: int, call: Mapping[str, Any]) -> None:
        """Pieces of several calls may come in turns, which blocks cannot."""
        function = call.get("function") or {}
        kept = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        kept["id"] = call.get("id") or kept["id"]
        kept["name"] = function.get("name") or kept["name"]
        kept["arguments"] += function.get("arguments") or ""

    def _closed(self, run: Run) -> Iterator[Payload]:
        yield from self._begins()
        for index in sorted(self._calls):
            call = self._calls[index]
            yield from self._message.calls(_identifier(call["id"], index), call["name"], call["arguments"] or "{}")
        reason = "tool_use" if self._calls and self._stop_reason == "end_turn" else self._stop_reason
        yield from self._message.end(reason, self._usage(run))

    def _usage(self, run: Run) -> dict[str, Any]:
        """The sum, and what each step and the answer used of it: clients see from the last one how full the context is."""
        used = usage_of_chat(run.usage)
        each = [*self._plans, usage_less(used, *self._plans)]
        return {**used, "iterations": [{"type": "message", **one} for one in each]}

    def _begins(self) -> Iterator[Payload]:
        """With what the first step read, which is what the request holds and the agent's own instructions."""
        if not self._begun:
            self._begun = True
            yield self._message.start({**(self._plans[0] if self._plans else usage_of_chat({})), "output_tokens": 0})

    def _sign(self) -> str:
        """What the step thought and found, with more of its results than is shown."""
        step, self._step = self._step, []
        if not step:
            return signed((), 0)
        signature = signed(("".join(_remembered(one, limit) for one in step) for limit in _SHORTER), self._room)
        self._room -= len(signature)
        return signature


def _remembered(emitted: ReasoningEvent, limit: int) -> str:
    if emitted.type is not EventType.TOOL_RESULT:
        return emitted.text
    told = emitted.details
    found = str(told["content"])
    shortened = found if len(found) <= limit else f"{found[:limit]} …"
    return f"← {told['tool']}: {'' if told['ok'] else 'Error: '}{shortened}\n"


def _identifier(call: str, index: int) -> str:
    """As Anthropic's own begin; what comes back refers to it by the same."""
    if call.startswith("toolu_"):
        return call
    return f"toolu_{hashlib.sha256(f'{call} {index}'.encode()).hexdigest()[:24]}"


def _written(payloads: Iterable[Payload]) -> bytes:
    return b"".join(event(payload, name=payload["type"]) for payload in payloads)
