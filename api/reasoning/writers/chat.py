"""The answer as OpenAI's chat clients read it: one id, the model as asked, the role once, the usage of all calls."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from api.dialects.openai import DONE, chat_answer, error_event, marked
from api.errors import APIError
from api.reasoning.events import ReasoningEvent
from api.reasoning.run import Run
from api.reasoning.writers.ends import how_it_ended
from api.sse import event


class ChatWriter:
    """Chunks of one completion, or the completion."""

    keepalive: bytes | None = None
    keeps_thoughts = False

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._usage_asked = bool((body.get("stream_options") or {}).get("include_usage"))
        self._head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body["model"],
        }
        self._roles_sent: set[int] = set()
        self._thoughts_begun = False
        self._thoughts_fields = _thoughts_fields(body)

    def opening(self) -> bytes:
        return b""

    def of_event(self, emitted: ReasoningEvent) -> bytes:
        delta = self._marked(emitted.delta())
        choice = {"index": 0, "delta": self._with_role(0, delta), "logprobs": None, "finish_reason": None}
        return event({**self._head, "choices": [choice]})

    def of_answer(self, chunk: Mapping[str, Any]) -> bytes:
        choices = [self._choice(choice) for choice in chunk["choices"]]
        kept = {name: value for name, value in chunk.items() if name != "usage"}
        return event({**kept, **self._head, "choices": choices})

    def closing(self, run: Run) -> bytes:
        usage = event({**self._head, "choices": [], "usage": run.usage}) if self._usage_asked else b""
        return usage + DONE

    def error_event(self, error: APIError) -> bytes:
        return error_event(error)

    def whole(self, completion: Mapping[str, Any], events: Sequence[ReasoningEvent], run: Run) -> dict[str, Any]:
        """The result, with what a stream would have told of the way to it, the usage of the whole request and, in the
        completion's own `metadata`, whose values are strings, how the reasoning ended."""
        body = dict(completion)
        chat_answer(body)
        self._tell_thoughts(body, "".join(emitted.text for emitted in events))
        own = {"id": self._head["id"], "model": self._head["model"], "usage": run.usage}
        return body | own | {"metadata": how_it_ended(run)}

    def _tell_thoughts(self, body: Mapping[str, Any], thoughts: str) -> None:
        """Before those of the model's own, of which clients read the same field."""
        message = body["choices"][0]["message"] if body["choices"] else {}
        if thoughts:
            said = marked(thoughts) + (message.get("reasoning_content") or "")
            message |= dict.fromkeys(self._thoughts_fields, said)

    def _marked(self, delta: dict[str, Any]) -> dict[str, Any]:
        """The first words have a mark, by which all of them are known when they come back in a conversation."""
        said = delta.pop("reasoning_content", "")
        if said and not self._thoughts_begun:
            self._thoughts_begun, said = True, marked(said)
        return delta | (dict.fromkeys(self._thoughts_fields, said) if said else {})

    def _choice(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        delta = choice["delta"]
        if thought := delta.get("reasoning_content"):
            delta = delta | dict.fromkeys(self._thoughts_fields, thought)
        return {**choice, "delta": self._with_role(choice.get("index", 0), delta)}

    def _with_role(self, index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
        if index in self._roles_sent:
            return {name: value for name, value in delta.items() if name != "role"}
        self._roles_sent.add(index)
        return {"role": "assistant", **delta}


def _thoughts_fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What thoughts are called: in OpenRouter's and vLLM's words, too, for who asks for them so. For all others two names would be
    one too many: some clients show both, and some cannot read an answer that has both."""
    asks_otherwise = bool(body.get("include_reasoning")) or isinstance(body.get("reasoning"), dict)
    return ("reasoning_content", "reasoning") if asks_otherwise else ("reasoning_content",)
