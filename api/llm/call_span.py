"""The span of one call, in which it is told how the call ended."""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import Span

from api.llm.attribution import Purpose
from api.llm.upstream_errors import mapped
from api.telemetry import Tracing, record_failure

CUT: Final = "call.cut"


@contextmanager
def call_span(tracing: Tracing, purpose: Purpose) -> Iterator[Span]:
    """The span of one call. A failure leaves it mapped to what the client is told; a call that is cancelled was cut."""
    name = f"{purpose.component}.{purpose.operation}"
    span = tracing.start_span(name, "CHAIN", metadata=purpose.metadata(), session_id=purpose.context.session_id)
    try:
        with cut_unless_ended(span):
            yield span
    except Exception as error:
        failure = mapped(error)
        record_failure(span, tracing, failure)
        if failure is error:
            raise
        raise failure from error
    finally:
        span.end()


@contextmanager
def cut_unless_ended(span: Span) -> Iterator[None]:
    """Marks the call whose client, or whose time limit, did not let it end: it has used something, and nobody got it all."""
    try:
        yield
    except (CancelledError, GeneratorExit):
        span.set_attribute(CUT, True)  # noqa: FBT003
        raise
