"""Tells spans what was asked and answered, if content may be traced; costs nothing if it may not."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span

from api.telemetry import plain_text
from api.telemetry.tracing import Tracing, record_content


class Recorder:
    """What was asked, and the answer in as many pieces as it comes in, for each of the spans."""

    def __init__(self, tracing: Tracing, *spans: Span) -> None:
        self._spans = spans
        self._tracing = tracing
        self.wanted = tracing.content and any(span.is_recording() for span in spans)
        self._said: list[str] = []

    def asked(self, body: Mapping[str, Any]) -> None:
        """The caller's last turn, prompt or input."""
        if self.wanted:
            self._record(given=plain_text.asked(body))

    def answered(self, answer: Mapping[str, Any]) -> None:
        """An answer, or the next chunk of one."""
        if self.wanted:
            self._said.append(plain_text.answered(answer))

    def said(self, text: str) -> None:
        """The next piece of an answer's text."""
        if self.wanted:
            self._said.append(text)

    def finish(self) -> None:
        """The answer is complete."""
        if self.wanted:
            self._record(result="".join(self._said))

    def _record(self, *, given: str | None = None, result: str | None = None) -> None:
        for span in self._spans:
            record_content(span, self._tracing, given=given, result=result)
