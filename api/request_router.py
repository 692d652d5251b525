"""Request and context → who answers. Pure rules first, in the order in which they are written; the classifier last."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from api.metrics import Metrics
from api.protocol import RoutingMode
from api.request_context import ROUTING_MODE_HEADER, RequestContext
from api.routing_classifier import ClassifierFailed, RoutingClassifier
from api.tools import Tool

_log = logging.getLogger(__name__)

SHORT_FOLLOW_UP = 200  # characters
REMEMBERED_SESSIONS = 10_000


class RoutingSource(StrEnum):
    """Which rule decided."""

    PASSTHROUGH_RULE = "passthrough_rule"
    HEADER_OVERRIDE = "header_override"
    DEFAULT = "default"
    LLM_CLASSIFIER = "llm_classifier"
    CLASSIFIER_FALLBACK = "classifier_fallback"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Who answers, and why; `overruled` is what the header asked for when a rule forbade it."""

    mode: RoutingMode
    reason: str
    source: RoutingSource
    overruled: RoutingMode | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told of the decision."""
        told = {"x-routing-decision": self.mode.value, "x-routing-source": self.source.value}
        return told | ({"x-routing-overruled": f"{self.overruled.value}; {self.reason}"} if self.overruled else {})

    @property
    def span_attributes(self) -> dict[str, str]:
        """What the request's span says of it."""
        return {"routing.decision": self.mode.value, "routing.source": self.source.value, "routing.reason": self.reason}


@dataclass(frozen=True, slots=True)
class RequestRouter:
    """Decides; remembers which sessions a choice of its own moved to reasoning, and nothing else."""

    classifier: RoutingClassifier
    metrics: Metrics
    default: RoutingMode = RoutingMode.PASSTHROUGH
    _reasoning_sessions: "OrderedDict[tuple[str, str], None]" = field(default_factory=OrderedDict)

    async def decide(self, body: Mapping[str, Any], context: RequestContext, tools: Sequence[Tool]) -> RoutingDecision:
        """The decision for a valid chat completion request."""
        decision = by_rule(body, context, self.default)
        if decision is None:
            decision = self._stays(body, context) or await self._classify(body, context, tools)
        if decision.source is not RoutingSource.PASSTHROUGH_RULE:
            self._remember(context, decision.mode)
        self.metrics.routed(decision.mode.value, decision.source.value)
        _log.info("routed to %s by %s: %r", decision.mode, decision.source, decision.reason)
        return decision

    async def _classify(
        self, body: Mapping[str, Any], context: RequestContext, tools: Sequence[Tool]
    ) -> RoutingDecision:
        try:
            mode, reason = await self.classifier.choose(body["messages"], tools, context)
        except ClassifierFailed as cause:
            self.metrics.classifier_failed(cause.kind)
            return RoutingDecision(
                RoutingMode.PASSTHROUGH, f"the classifier failed: {cause}", RoutingSource.CLASSIFIER_FALLBACK
            )
        return RoutingDecision(mode, reason, RoutingSource.LLM_CLASSIFIER)

    def _stays(self, body: Mapping[str, Any], context: RequestContext) -> RoutingDecision | None:
        """A short follow-up says little by itself: it stays where its session was moved."""
        if (
            _session(context) not in self._reasoning_sessions
            or len(str(body["messages"][-1].get("content"))) > SHORT_FOLLOW_UP
        ):
            return None
        reason = "a short follow-up in a session that was moved to reasoning"
        return RoutingDecision(RoutingMode.REASONING, reason, RoutingSource.LLM_CLASSIFIER)

    def _remember(self, context: RequestContext, mode: RoutingMode) -> None:
        session = _session(context)
        self._reasoning_sessions.pop(session, None)
        if context.session_id and mode is RoutingMode.REASONING:
            self._reasoning_sessions[session] = None
            if len(self._reasoning_sessions) > REMEMBERED_SESSIONS:
                self._reasoning_sessions.popitem(last=False)


def by_rule(body: Mapping[str, Any], context: RequestContext, default: RoutingMode) -> RoutingDecision | None:
    """The decision, where no model has to be asked for it."""
    asked = context.routing_mode
    if brought := _wants_the_model_itself(body):
        overruled = asked if asked not in (None, RoutingMode.PASSTHROUGH) else None
        reason = f"a request with its own {brought} wants the model itself"
        return RoutingDecision(RoutingMode.PASSTHROUGH, reason, RoutingSource.PASSTHROUGH_RULE, overruled)
    if asked in (RoutingMode.PASSTHROUGH, RoutingMode.REASONING):
        return RoutingDecision(asked, f"{ROUTING_MODE_HEADER} asks for it", RoutingSource.HEADER_OVERRIDE)
    if asked is None and default is not RoutingMode.AUTO:
        return RoutingDecision(default, f"no {ROUTING_MODE_HEADER} was sent", RoutingSource.DEFAULT)
    return None


def _wants_the_model_itself(body: Mapping[str, Any]) -> str | None:
    return next((field for field in ("tools", "functions", "response_format") if body.get(field)), None)


def _session(context: RequestContext) -> tuple[str, str]:
    """Sessions of different callers are different sessions, whatever they are called."""
    return (context.caller.id, context.session_id or "")
