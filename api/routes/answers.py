"""An answer, plain or streamed, as HTTP, and the decision beside it, whatever the answer."""

from opentelemetry.trace import get_current_span
from starlette.requests import Request
from starlette.responses import Response

from api.context import RequestContext
from api.edge import EventSource, EventStreamResponse
from api.llm import LLMAnswer
from api.routes.overruled import tell_overruled
from api.routing import RoutingDecision
from api.telemetry import annotate_request


def tell(request: Request, decision: RoutingDecision, context: RequestContext) -> None:
    """Puts the decision onto the request's span, and where an error that comes from now on finds it."""
    request.scope["state"]["decision_headers"] = decision.headers
    if get_current_span().is_recording():
        annotate_request(
            context.metadata,
            session_id=context.session_id,
            user_id=context.end_user,
            attributes=decision.span_attributes,
        )


def as_response(answer: LLMAnswer | EventSource, decision: RoutingDecision) -> Response:
    """The answer, with the decision beside its own headers."""
    headers, answer = decision.headers, tell_overruled(answer, decision)
    if isinstance(answer, LLMAnswer):
        return Response(answer.content, headers={**answer.headers, **headers}, media_type="application/json")
    return EventStreamResponse(answer, headers=headers)
