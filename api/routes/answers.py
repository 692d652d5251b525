"""An answer, plain or streamed, as HTTP."""

from collections.abc import Mapping

from starlette.responses import Response

from api.llm_gateway import LLMAnswer
from api.streaming import EventSource, EventStreamResponse


def as_response(answer: LLMAnswer | EventSource, headers: Mapping[str, str]) -> Response:
    """The answer with these headers beside its own."""
    if isinstance(answer, LLMAnswer):
        return Response(answer.content, headers={**answer.headers, **headers}, media_type="application/json")
    return EventStreamResponse(answer, headers=headers)
