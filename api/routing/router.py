"""Request and context → who answers. Pure rules first, in the order in which they are written; the classifier last."""

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from api.colleagues import Colleagues
from api.components import Operation
from api.context import RequestContext
from api.protocol import ROUTING_MODE_HEADER, RoutingMode
from api.routing.classifier import ClassifierFailed, RoutingClassifier
from api.routing.conversation import last_turn
from api.telemetry import Metrics
from api.tools import Tool

_log = logging.getLogger(__name__)

SHORT_FOLLOW_UP = 200  # characters of text
REMEMBERED_SESSIONS = 10_000
MOVED = "moved"  # what workers tell each other


class RoutingSource(StrEnum):
    """Which rule decided."""

    PASSTHROUGH_RULE = "passthrough_rule"
    HEADER_OVERRIDE = "header_override"
    MODEL_NAME = "model_name"
    DEFAULT = "default"
    LLM_CLASSIFIER = "llm_classifier"
    CLASSIFIER_FALLBACK = "classifier_fallback"


# What somebody chose for the conversation.
_CHOICES = frozenset({RoutingSource.HEADER_OVERRIDE, RoutingSource.MODEL_NAME, RoutingSource.LLM_CLASSIFIER})
# What a rule decides can be read off the request.
_LEVELS = {RoutingSource.LLM_CLASSIFIER: logging.INFO, RoutingSource.CLASSIFIER_FALLBACK: logging.WARNING}
_ASIDE = {
    Operation.TITLE: "a request for a conversation's title is not reasoned about",
    Operation.SIDE_CALL: "what a client asks beside the conversation is not reasoned about",
}
_UNTOLD = "the classifier chose it; TRACE_CONTENT=off leaves its reason out"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Who answers, and why; `overruled` is what the header or the model's name asked for when a rule forbade it.

    `aside`: the request is no part of the conversation. `kept`: nobody decided now, an earlier decision of the session stands;
    `source` is then what decided at that time.
    """

    mode: RoutingMode
    reason: str
    source: RoutingSource
    overruled: RoutingMode | None = None
    kept: bool = False
    aside: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told of the decision."""
        told = {"x-routing-decision": self.mode.value, "x-routing-source": self.source.value}
        return told | ({"x-routing-overruled": f"{self.overruled.value}; {self.reason}"} if self.overruled else {})

    @property
    def span_attributes(self) -> dict[str, str]:
        """What the request's span says of it."""
        said = {"routing.decision": self.mode.value, "routing.source": self.source.value, "routing.reason": self.reason}
        return said | ({"routing.kept": "true"} if self.kept else {})


@dataclass(frozen=True, slots=True)
class RequestRouter:
    """Decides; remembers which sessions a header, a model's name or the classifier moved to reasoning, and nothing else.

    A short follow-up in such a session stays there. Only these three take the session out again: a default,
    a rule about one request's body or a classifier that failed says nothing about the conversation.
    """

    classifier: RoutingClassifier
    metrics: Metrics
    default: RoutingMode = RoutingMode.PASSTHROUGH
    content: bool = True
    """Whether a reason, which goes onto the span and into the log, may hold the classifier's or a provider's own words."""
    remembers: int = REMEMBERED_SESSIONS
    colleagues: Colleagues | None = None
    """The other workers, whom the session's next request may come to."""
    _moved: "OrderedDict[tuple[str, str], RoutingSource]" = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        if self.colleagues is not None:
            self.colleagues.hear(MOVED, self._hear)

    def may_choose_reasoning(self, context: RequestContext) -> bool:
        """Whether it has to be looked at what the request asks: it is not for the model by the word of its sender alone."""
        asked = context.asked_mode or context.caller.routing_mode or self.default
        moved = context.asked_mode is None and _session(context) in self._moved
        return asked is not RoutingMode.PASSTHROUGH or moved

    async def decide(
        self, body: Mapping[str, Any] | str, context: RequestContext, tools: Sequence[Tool]
    ) -> RoutingDecision:
        """The decision for a valid chat completion request, or for one that cannot be such a request: then for which reason."""
        if isinstance(body, str):
            unfit = _the_model(context.asked_mode, body)
            self.metrics.routed(unfit.mode.value, unfit.source.value, kept=False)
            return unfit
        decision = by_rule(body, context, context.caller.routing_mode or self.default)
        if decision is None or decision.source is RoutingSource.DEFAULT:
            decision = self._kept(body, context) or decision or await self._classify(body, context, tools)
        await self._remember(context, decision)
        self.metrics.routed(decision.mode.value, decision.source.value, kept=decision.kept)
        level = _LEVELS.get(decision.source, logging.DEBUG)
        if _log.isEnabledFor(level):
            _log.log(level, "routed to %s by %s: %r", decision.mode, decision.source, decision.reason)
        return decision

    async def _classify(
        self, body: Mapping[str, Any], context: RequestContext, tools: Sequence[Tool]
    ) -> RoutingDecision:
        try:
            mode, reason = await self.classifier.choose(body["messages"], tools, context)
        except ClassifierFailed as cause:
            return self._fallback(cause.kind, str(cause) if self.content else cause.summary)
        except Exception as error:  # noqa: BLE001 - whatever it is, the model can still answer
            _log.exception("The classifier failed in an unforeseen way")
            return self._fallback("internal", f"internal: {type(error).__name__}")
        return RoutingDecision(mode, reason if self.content else _UNTOLD, RoutingSource.LLM_CLASSIFIER)

    def _fallback(self, kind: str, cause: str) -> RoutingDecision:
        self.metrics.classifier_failed(kind)
        reason = f"the classifier failed: {cause}"
        return RoutingDecision(RoutingMode.PASSTHROUGH, reason, RoutingSource.CLASSIFIER_FALLBACK)

    def _kept(self, body: Mapping[str, Any], context: RequestContext) -> RoutingDecision | None:
        """A short follow-up says little by itself: it stays where its session was moved."""
        source = self._moved.get(_session(context))
        if source is None or len(last_turn(body["messages"])) > SHORT_FOLLOW_UP:
            return None
        self._moved.move_to_end(_session(context))
        reason = f"a short follow-up keeps the session's earlier decision, which was by {source}"
        return RoutingDecision(RoutingMode.REASONING, reason, source, kept=True)

    async def _remember(self, context: RequestContext, decision: RoutingDecision) -> None:
        if decision.kept or decision.source not in _CHOICES or not context.session_id:
            return
        source = decision.source if decision.mode is RoutingMode.REASONING else None
        changes = self._move(_session(context), source)
        if changes and self.colleagues is not None:
            await self.colleagues.tell(MOVED, json.dumps([*_session(context), source]))

    def _move(self, session: tuple[str, str], source: RoutingSource | None) -> bool:
        """To reasoning if a source is named, otherwise out of it; whether that is worth telling."""
        was_moved = self._moved.pop(session, None) is not None
        if source is not None:
            self._moved[session] = source
            if len(self._moved) > self.remembers:
                self._moved.popitem(last=False)
        return was_moved or source is not None

    def _hear(self, told: str) -> None:
        caller, session, source = json.loads(told)
        self._move((caller, session), RoutingSource(source) if source else None)


def by_rule(body: Mapping[str, Any], context: RequestContext, default: RoutingMode) -> RoutingDecision | None:
    """The decision, where no model has to be asked for it."""
    asked = context.asked_mode
    if context.side_call is not None:
        return replace(_the_model(asked, _ASIDE[context.side_call]), aside=True)
    if brought := _wants_the_model_itself(body, asked):
        return _the_model(asked, f"a request with its own {brought} wants the model itself")
    if asked in (RoutingMode.PASSTHROUGH, RoutingMode.REASONING):
        return _as_asked(asked, context)
    if asked is None and default is not RoutingMode.AUTO:
        return RoutingDecision(default, f"no {ROUTING_MODE_HEADER} was sent", RoutingSource.DEFAULT)
    return None


def _as_asked(asked: RoutingMode, context: RequestContext) -> RoutingDecision:
    if context.routing_mode is not None:
        return RoutingDecision(asked, f"{ROUTING_MODE_HEADER} asks for it", RoutingSource.HEADER_OVERRIDE)
    return RoutingDecision(asked, "the model's name asks for it", RoutingSource.MODEL_NAME)


def always_the_model(context: RequestContext, path: str) -> RoutingDecision:
    """The decision on a path of which the agent knows nothing."""
    return _the_model(context.asked_mode, f"{path} is always answered by the model itself")


def _the_model(asked: RoutingMode | None, reason: str) -> RoutingDecision:
    overruled = asked if asked not in (None, RoutingMode.PASSTHROUGH) else None
    return RoutingDecision(RoutingMode.PASSTHROUGH, reason, RoutingSource.PASSTHROUGH_RULE, overruled)


def _wants_the_model_itself(body: Mapping[str, Any], asked: RoutingMode | None) -> str | None:
    """What says so: tools that may be called. What a field means when it is absent is no wish when it is said.

    The agent plans with a client's own functions where it is asked for by name, and leaves their calls to the client.
    """
    if body.get("functions") and body.get("function_call") != "none":
        return "functions"
    if not body.get("tools") or body.get("tool_choice") == "none":
        return None
    if asked is not RoutingMode.REASONING:
        return "tools"
    others = [tool for tool in body["tools"] if tool.get("type") != "function" or not tool.get("function")]
    return f"tools of the type {others[0].get('type')!r}" if others else None


def _session(context: RequestContext) -> tuple[str, str]:
    """Sessions of different callers are different sessions, whatever they are called."""
    return (context.caller.id, context.session_id or "")
