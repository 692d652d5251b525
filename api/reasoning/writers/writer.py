"""What an answer is told by, in whatever dialect."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from api.errors import APIError
from api.reasoning.events import ReasoningEvent
from api.reasoning.run import Run


class AnswerWriter(Protocol):
    """One request's answer in its client's dialect. The answer itself comes as a chat completion, or as its chunks.

    A stream is `opening`, events, chunks of the answer, `closing`; a stream that fails is told so by `of_event`, then by
    `error_event`. A plain answer is `whole` alone.
    """

    @property
    def keepalive(self) -> bytes | None:
        """The event that a silent stream sends; None: a comment, over which every reader passes."""

    @property
    def keeps_thoughts(self) -> bool:
        """Whether clients of the dialect send back what was told of events: then an answer that ends with calls of the
        client's own tools need not repeat it."""

    def opening(self) -> bytes:
        """What stands before everything else."""

    def of_event(self, emitted: ReasoningEvent) -> bytes:
        """What is told of this; nothing where the dialect has no words for it."""

    def of_answer(self, chunk: Mapping[str, Any]) -> bytes:
        """The next piece of the answer, which has choices."""

    def closing(self, run: Run) -> bytes:
        """What stands behind the answer: what all of it used, and that it was all."""

    def error_event(self, error: APIError) -> bytes:
        """What a stream ends with in place of `closing`."""

    def whole(self, completion: Mapping[str, Any], events: Sequence[ReasoningEvent], run: Run) -> dict[str, Any]:
        """The plain answer."""
