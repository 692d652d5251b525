"""One LLM call, measured: how long it took, how long its first event took, and the tokens that it says it used."""

import re
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from api.components import Component, Operation
from api.errors import APIError
from api.sse import payloads
from api.telemetry.metrics.aggregates import Attributes, Histogram
from api.telemetry.metrics.names import KnownNames
from api.telemetry.metrics.recording import LLMCall, error_class

# Few events say what was used, and none but those is parsed for it. Inside a JSON string the second quote would be escaped.
_USAGE = b'"usage"'
_TELLS_USAGE = re.compile(_USAGE + rb"\s*:\s*\{")
_CONVENTIONAL: Final = {Operation.COMPLETION: "text_completion", Operation.EMBEDDING: "embeddings"}
# OpenAI's chat and completions on the left, its Responses on the right.
# Anthropic counts what it reads from a cache, or writes into it, beside what else it read.
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")
_COUNTED: Final = {"input": ("prompt_tokens", "input_tokens"), "output": ("completion_tokens", "output_tokens")}


class MeasuredCall(LLMCall):
    """Recorded when the call has ended, so that its tokens are counted once however often it tells them."""

    def __init__(
        self,
        durations: Histogram,
        tokens: Histogram,
        first_tokens: Histogram,
        models: KnownNames,
        component: Component,
        operation: Operation,
        model: str,
    ) -> None:
        self._durations, self._tokens, self._first_tokens = durations, tokens, first_tokens
        self._models = models
        self._model = model
        self._attributes: Attributes = (
            ("gen_ai.operation.name", _CONVENTIONAL.get(operation, "chat")),
            ("gen_ai.provider.name", "litellm"),
            ("component", component.value),
            ("operation", operation.value),
        )
        self._usage: Mapping[str, Any] = {}
        self._streaming = False
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._began
        attributes = self._named(self._models.learnt if error is None else self._models.known)
        for counted, fields in _COUNTED.items():
            if (count := _count(self._usage, fields)) is not None:
                count += _cached(self._usage) if counted == "input" else 0
                self._tokens.record(count, (*attributes, ("gen_ai.token.type", counted)))
        if error is not None:
            attributes += (("error.type", error_class(error)),)
        self._durations.record(seconds, attributes)

    def answered(self, answer: Callable[[], Any]) -> None:
        try:
            self._tells(answer())
        except APIError:
            return  # whoever asked for the answer is told that it cannot be read

    def streamed(self, events: bytes) -> None:
        if not self._streaming:
            self._streaming = True
            self._first_tokens.record(time.perf_counter() - self._began, self._named(self._models.learnt))
        if _USAGE in events and _TELLS_USAGE.search(events):
            self.answered(lambda: list(payloads(events)))

    def _tells(self, told: Any) -> None:
        for part in told if isinstance(told, list) else (told,):
            if (usage := _usage_of(part)) is not None:
                self._usage = {**self._usage, **usage} if self._usage else usage

    def _named(self, name: Callable[[str], str]) -> Attributes:
        return (*self._attributes, ("gen_ai.request.model", name(self._model)))


def _usage_of(answer: Any) -> Mapping[str, Any] | None:
    """The usage of an answer, or of an event that carries a response or a message, which tells it in two parts."""
    for holder in (answer, answer.get("response"), answer.get("message")) if isinstance(answer, dict) else ():
        if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
            return dict(holder["usage"])
    return None


def _count(usage: Mapping[str, Any], fields: tuple[str, ...]) -> int | None:
    for field in fields:
        if type(count := usage.get(field)) is int:
            return count
    return None


def _cached(usage: Mapping[str, Any]) -> int:
    """What is not in the count of the input: in OpenAI's form, which LiteLLM adds these to as well, it is."""
    if "prompt_tokens" in usage:
        return 0
    return sum(_count(usage, (field,)) or 0 for field in _CACHED)
