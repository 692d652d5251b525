"""The answer as clients of the Responses API read it: the reasoning as reasoning and `mcp_call` items, then what is said."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.dialects.openai import (
    OUR_CALL_ID,
    OUR_REASONING_ID,
    carried,
    chat_answer,
    marked,
    response_begun,
    response_ended,
    response_failed,
    response_usage,
)
from api.errors import APIError
from api.reasoning.events import End, EventType, ReasoningEvent
from api.reasoning.run import Run
from api.reasoning.writers.ends import how_it_ended
from api.reasoning.writers.response_answer import ResponseAnswer
from api.reasoning.writers.response_output import Output, Thought, ToolCall

_CARRIED = "reasoning.encrypted_content"
_CUT_OFF = "The work was stopped before this call came to its end."


class ResponseWriter:
    """One response, as its events or as itself. `asked` is the request as it came, which the response says again."""

    keeps_thoughts = True

    def __init__(self, body: Mapping[str, Any], *, asked: Mapping[str, Any]) -> None:
        self._response = response_begun(asked, body["model"])
        self._carries = _CARRIED in (asked.get("include") or ())
        self._output = Output()
        self._answer = ResponseAnswer(self._output, self._thought)
        self._planned: list[Mapping[str, Any]] = []
        self._calls: dict[int, ToolCall] = {}
        self._found: list[dict[str, Any]] = []

    @property
    def keepalive(self) -> bytes:
        """An event that only says again that the work goes on. It takes its number when it is read: then it has to be sent."""
        return self._output.tell("response.in_progress", response=self._response)

    def opening(self) -> bytes:
        created = self._output.tell("response.created", response=self._response)
        return created + self._output.tell("response.in_progress", response=self._response)

    def of_event(self, emitted: ReasoningEvent) -> bytes:
        details = emitted.details
        match emitted.type:
            case EventType.PLANNING:
                self._planned = details["calls"]
                return self._whole_thought(_shown(details), details["thought"])
            case EventType.TOOL_EXECUTION_START:
                return self._begin_calls(details)
            case EventType.TOOL_RESULT:
                return self._end_call(details)
            case EventType.REASONING_COMPLETE:
                stopped = emitted.text.strip()
                told = self._whole_thought(stopped, stopped) if stopped else b""
                return self._cut_calls_off() + told + self._rest_of_found()
        return b""

    def of_answer(self, chunk: Mapping[str, Any]) -> bytes:
        if tier := chunk.get("service_tier"):
            self._response["service_tier"] = tier
        return b"".join(self._answer.take(choice) for choice in chunk["choices"] if choice.get("index", 0) == 0)

    def closing(self, run: Run) -> bytes:
        return self._end(run)

    def error_event(self, error: APIError) -> bytes:
        self._response |= response_failed(error) | {"output": self._output.items}
        return self._output.tell("response.failed", response=self._response)

    def whole(self, completion: Mapping[str, Any], events: Sequence[ReasoningEvent], run: Run) -> dict[str, Any]:
        """What the stream of the same would end with."""
        body = dict(completion)
        chat_answer(body)
        for emitted in events:
            self.of_event(emitted)
        self.of_answer({**body, "choices": [_as_delta(choice, run) for choice in body["choices"]]})
        self._end(run)
        return self._response

    def _end(self, run: Run) -> bytes:
        told = response_ended(self._answer.finish_reason)
        events = self._answer.end(told["status"])
        metadata = {**self._response["metadata"], **how_it_ended(run)}
        usage = response_usage(run.usage)
        self._response |= told | {"metadata": metadata, "output": self._output.items, "usage": usage}
        return events + self._output.tell(f"response.{told['status']}", response=self._response)

    def _thought(self) -> Thought:
        """A reasoning item of ours. What was found since the last one goes with it where the client keeps what we do not."""
        found, self._found = self._found, []
        return Thought(self._output, OUR_REASONING_ID, carried(found) if self._carries else None)

    def _whole_thought(self, shown: str, thought: str) -> bytes:
        item = self._thought()
        return item.told + item.say(marked(shown), marked(thought)) + item.end()

    def _rest_of_found(self) -> bytes:
        """What was found after the last thought, for the client to take along: the turn may end with a call of its own."""
        return self._thought().end_unsaid() if self._carries and self._found else b""

    def _begin_calls(self, details: Mapping[str, Any]) -> bytes:
        made = set(details["tools"])
        calls = [call for call in self._planned if call["name"] in made]
        servers = dict(zip(details["tools"], details["servers"], strict=True))
        return b"".join(self._begin_call(call, servers[call["name"]]).told for call in calls)

    def _begin_call(self, call: Mapping[str, Any], server: str) -> ToolCall:
        item = ToolCall(self._output, OUR_CALL_ID, call["name"], call["arguments"], server)
        self._calls[call["index"]] = item
        return item

    def _end_call(self, details: Mapping[str, Any]) -> bytes:
        """A call that was not made was not begun either: its item comes with its end."""
        index, result, ok = details["index"], details["content"], details["ok"]
        planned = self._planned[index]
        events = b"" if index in self._calls else self._begin_call(planned, details["server"]).told
        call = self._calls.pop(index)
        found = {"tool": details["tool"], "arguments": planned["arguments"], "ok": ok, "result": result}
        self._found.append(found)
        return events + (call.succeeded(result) if ok else call.failed(result))

    def _cut_calls_off(self) -> bytes:
        calls, self._calls = self._calls, {}
        return b"".join(call.failed(_CUT_OFF) for call in calls.values())


def _shown(planned: Mapping[str, Any]) -> str:
    """The thought, and why each call is made."""
    reasons = [f"{call['name']}: {call['reason']}" for call in planned["calls"] if call.get("reason")]
    return "\n\n".join([planned["thought"], *reasons])


def _as_delta(choice: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """A choice of a whole completion as the one chunk that would say it all.

    Where the turn ends with calls for the client to make, the content says what was found: here the items have said it.
    """
    message = choice.get("message") or {}
    if run.end is End.TOOL_CALLS:
        message = {**message, "content": None}
    calls = [{**call, "index": place} for place, call in enumerate(message.get("tool_calls") or ())]
    return {**choice, "delta": {**message, "tool_calls": calls}}
