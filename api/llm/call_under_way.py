"""What a streamed call holds until it has ended: its connection, its span and its measure."""

from types import TracebackType
from typing import Self

from opentelemetry.trace import Span

from api.llm.call_span import CallSpan
from api.llm.litellm_transport import Reply
from api.telemetry import LLMCall


class CallUnderWay:
    """Begins when it is made; whoever holds it ends it, as a block or by `end`. Only the first end counts."""

    def __init__(self, measured: LLMCall, span: CallSpan) -> None:
        self._measured, self._call_span = measured, span
        self._ended = False
        self.reply: Reply | None = None
        measured.__enter__()
        self.span: Span = span.__enter__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.end(error)

    async def end(self, error: BaseException | None = None) -> None:
        """Lets go of it all; raises what a failure is to the client, where that is something else."""
        if self._ended:
            return
        self._ended = True
        try:
            if self.reply is not None:
                await self.reply.aclose()
            self._call_span.__exit__(*_told(error))
        except BaseException as failure:
            self._measured.__exit__(*_told(failure))
            raise
        self._measured.__exit__(*_told(error))


def _told(
    error: BaseException | None,
) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    return (None, None, None) if error is None else (type(error), error, error.__traceback__)
