"""What was asked for and is not done, told where a client looks: in the answer itself, since few of them show a header.

In a stream of chunks it stands in the first one, beside what that says: a chunk of its own would come before the role. Nothing
of it is told in an answer that was not asked to be reasoned about.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final

from pydantic_core import to_json

from api.dialects.openai import marked
from api.edge import EventSource
from api.errors import APIError
from api.llm import LLMAnswer
from api.passthrough import RestoredStream
from api.protocol import RoutingMode
from api.routing import RoutingDecision
from api.sse import event, payloads

EVENT: Final = "overruled"
METADATA: Final = "routing_overruled"

Told = Mapping[str, Any]


def tell_overruled(answer: LLMAnswer | EventSource, decision: RoutingDecision) -> LLMAnswer | EventSource:
    """The answer, which says it too, if something was overruled."""
    if decision.overruled is None:
        return answer
    if isinstance(answer, RestoredStream):
        return _OverruledStream(answer, decision)
    body = answer.json() if isinstance(answer, LLMAnswer) else None
    # A count of tokens is no answer, and has neither.
    if not isinstance(body, dict) or not ("object" in body or "type" in body):
        return answer
    return LLMAnswer(to_json(_told(body, decision)), dict(answer.headers))


class _OverruledStream:
    """The events of the source, of which the first, and those that carry the whole answer, say what was overruled."""

    def __init__(self, source: RestoredStream, decision: RoutingDecision) -> None:
        self.headers = source.headers
        self._source, self._decision = source, decision
        self._is_told = False

    @property
    def keepalive(self) -> bytes | None:
        return self._source.keepalive

    def error_event(self, error: APIError) -> bytes:
        """As the source ends when it fails."""
        return self._source.error_event(error)

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The source's."""
        async with aclosing(self._source.events()) as blocks:
            async for block in blocks:
                yield b"".join(map(self._with_it, _single(block))) if self._may_tell(block) else block

    async def aclose(self) -> None:
        """Closes the source."""
        await self._source.aclose()

    def _may_tell(self, block: bytes) -> bool:
        return not self._is_told or b'"response":' in block

    def _with_it(self, block: bytes) -> bytes:
        if not self._may_tell(block):
            return block
        told = next(payloads(block), None)
        if told is None:
            return block
        self._is_told = True
        whole = "response" if "response" in told else "message"
        if told.get("choices") and "delta" in told["choices"][0]:
            told["choices"][0]["delta"] |= self._delta()
        elif isinstance(told.get(whole), dict):
            told[whole] = _told(told[whole], self._decision)
        return event(told, name=told.get("type"))

    def _delta(self) -> dict[str, Any]:
        reason, asked = self._decision.reason, self._decision.overruled
        said = {"reasoning_event": {"type": EVENT, "step": 0, "asked": str(asked), "reason": reason}}
        # Who leaves it to others, or waits for no thoughts, is not told where thoughts are shown.
        is_shown = asked is RoutingMode.REASONING and not self._decision.aside
        return said | ({"reasoning_content": marked(f"(not reasoned about: {reason})\n")} if is_shown else {})


def _told(answer: Told, decision: RoutingDecision) -> dict[str, Any]:
    metadata = answer.get("metadata")
    told = {METADATA: f"{decision.overruled}; {decision.reason}"}
    return {**answer, "metadata": (metadata if isinstance(metadata, dict) else {}) | told}


def _single(block: bytes) -> Iterator[bytes]:
    return (one + b"\n\n" for one in block.split(b"\n\n") if one)
