"""Who asks, in which session, and for what way of answering: parsed once, then walked down to every call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from api.protocol import RoutingMode


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: a fingerprint of the token, safe to log and to attribute cost to."""

    id: str


ANONYMOUS = Caller("anonymous")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks and in which session; `routing_mode` is what was asked for, `routing_path` where the request went."""

    caller: Caller
    session_id: str | None = None
    routing_mode: RoutingMode | None = None
    routing_path: RoutingMode = RoutingMode.PASSTHROUGH
    user: str | None = None
    """OpenAI's `user` of the body: whom the caller asks for."""
    provider_headers: tuple[tuple[str, str], ...] = ()
    """Headers of the request that are its provider's to read, such as `anthropic-beta`."""
    provider_fields: bool = False
    """Whether the caller wants LiteLLM's own `provider_specific_fields` in the answer."""

    @property
    def end_user(self) -> str:
        """Whom the request is for: the `user` it names, or else its caller."""
        return self.user or self.caller.id

    @property
    def metadata(self) -> dict[str, str]:
        """What every call and span of the request says of it."""
        known = {"routing_path": self.routing_path.value, "caller": self.caller.id, "end_user": self.end_user}
        return known | ({"session_id": self.session_id} if self.session_id else {})


def with_user(context: RequestContext, body: Mapping[str, Any]) -> RequestContext:
    """The context, with the end user that the body names."""
    user = body.get("user")
    return replace(context, user=user.strip() or None) if isinstance(user, str) else context


def on_path(context: RequestContext, path: RoutingMode) -> RequestContext:
    """The context of a request that goes this way."""
    return context if context.routing_path is path else replace(context, routing_path=path)
