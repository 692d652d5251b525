"""What the paths have in common on which the agent may answer: the decision, then the model or the agent."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.context import RequestContext, on_path
from api.dependencies import ServiceContainer, services_of
from api.edge import EventSource, unless_disconnected
from api.llm import LLMAnswer
from api.protocol import RoutingMode
from api.reasoning import AnswerWriter
from api.reasoning import answer as reason_and_answer
from api.routes.answers import as_response, tell
from api.routes.resuming import resuming
from api.routing import RoutingDecision

Answer = LLMAnswer | EventSource
ChatRequest = Mapping[str, Any]
HandOn = Callable[[RequestContext], Awaitable[Answer]]
Question = ChatRequest | Callable[[], ChatRequest | str]
"""The request as a chat completion request, or what makes it one, or says why it cannot be one: then the model itself answers."""


async def route_and_answer(
    request: Request,
    context: RequestContext,
    question: Question,
    writer: Callable[[ChatRequest], AnswerWriter],
    hand_on: HandOn,
) -> Response:
    """The answer of whoever the router chooses: the model, to which `hand_on` brings the request, or the agent."""
    services = services_of(request)
    default = context.caller.routing_mode or services.settings.routing_default_mode
    asked = on_path(context, context.asked_mode or default)
    with resuming(request, context) as resumable:
        work = _decide_and_answer(request, services, asked, question, writer, hand_on)
        answer, decision = await unless_disconnected(request, work)
        return as_response(resumable(answer), decision)


async def _decide_and_answer(
    request: Request,
    services: ServiceContainer,
    asked: RequestContext,
    question: Question,
    writer: Callable[[ChatRequest], AnswerWriter],
    hand_on: HandOn,
) -> tuple[Answer, RoutingDecision]:
    chat = _as_chat(question, needed=services.router.may_choose_reasoning(asked))
    decision = await services.router.decide(chat, asked, services.mcp_servers.tools())
    context = on_path(asked, decision.mode)
    tell(request, decision, context)
    if decision.mode is RoutingMode.REASONING and not isinstance(chat, str):
        return await reason_and_answer(services.agent, chat, context, writer), decision
    return await hand_on(context), decision


def _as_chat(question: Question, *, needed: bool) -> ChatRequest | str:
    """Another dialect is translated only where the agent might have to read it."""
    if not callable(question):
        return question
    try:
        return question() if needed else {}
    except (AttributeError, LookupError, TypeError):
        # What a provider refuses it may refuse in its own words.
        return "a request with a part that has none of its dialect's forms wants the model itself"
