"""The span of one call, in which it is told how the call ended."""

from asyncio import CancelledError
from types import TracebackType
from typing import Final

from opentelemetry.trace import Span

from api.llm.attribution import Purpose
from api.llm.upstream_errors import mapped
from api.telemetry import Tracing, record_failure

CUT: Final = "call.cut"


class CallSpan:
    """The span of one call, which the block that it is entered for stands for. A failure leaves the block mapped to what the
    client is told; a call that is cancelled was cut."""

    __slots__ = ("_purpose", "_span", "_tracing")

    def __init__(self, tracing: Tracing, purpose: Purpose) -> None:
        self._tracing, self._purpose = tracing, purpose

    def __enter__(self) -> Span:
        purpose = self._purpose
        name = f"{purpose.component}.{purpose.operation}"
        metadata = purpose.metadata() if self._tracing.enabled else {}
        self._span = self._tracing.start_span(name, "CHAIN", metadata=metadata, session_id=purpose.context.session_id)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure = mapped(error) if isinstance(error, Exception) else None
        if failure is not None:
            record_failure(self._span, self._tracing, failure)
        elif isinstance(error, CancelledError | GeneratorExit):
            self._span.set_attribute(CUT, True)  # noqa: FBT003
        self._span.end()
        if failure is not None and failure is not error:
            raise failure from error
