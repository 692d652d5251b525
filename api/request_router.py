"""Request and context → who answers. Pure rules, in the order in which they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.errors import InvalidHeader
from api.protocol import RoutingMode
from api.request_context import ROUTING_MODE_HEADER, RequestContext


class RoutingSource(StrEnum):
    """Which rule decided."""

    PASSTHROUGH_RULE = "passthrough_rule"
    HEADER_OVERRIDE = "header_override"
    DEFAULT = "default"


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
        return told | ({"x-routing-overruled": f"{self.overruled}: {self.reason}"} if self.overruled else {})


def decide(body: Mapping[str, Any], context: RequestContext) -> RoutingDecision:
    """The decision for a valid request."""
    asked = context.routing_mode
    if brought := _wants_the_model_itself(body):
        overruled = asked if asked not in (None, RoutingMode.PASSTHROUGH) else None
        reason = f"a request with its own '{brought}' wants the model itself"
        return RoutingDecision(RoutingMode.PASSTHROUGH, reason, RoutingSource.PASSTHROUGH_RULE, overruled)
    if asked is RoutingMode.AUTO:
        raise InvalidHeader(
            f"{ROUTING_MODE_HEADER}: 'auto' is not available on this server yet.", param=ROUTING_MODE_HEADER
        )
    if asked is not None:
        return RoutingDecision(asked, f"{ROUTING_MODE_HEADER} asks for it", RoutingSource.HEADER_OVERRIDE)
    return RoutingDecision(RoutingMode.PASSTHROUGH, f"no {ROUTING_MODE_HEADER} was sent", RoutingSource.DEFAULT)


def _wants_the_model_itself(body: Mapping[str, Any]) -> str | None:
    return next((field for field in ("tools", "response_format") if body.get(field)), None)
