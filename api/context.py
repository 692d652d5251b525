"""Who asks, in which session, and for what way of answering: parsed once, then walked down to every call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from api.components import Operation
from api.protocol import RoutingMode


class Permission(StrEnum):
    """What not every caller may do."""

    SET_MEMORY_USER = "set_memory_user"
    """Say whose memory a request is about."""
    TOOLS = "tools"
    """See which tools and servers of tools there are."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: `id` is a name or a fingerprint of the token, safe to log and to attribute cost to."""

    id: str
    memory_user: str | None = None
    """Whose memory this caller's requests are about, unless something that counts more says otherwise."""
    routing_mode: RoutingMode | None = None
    """How this caller's requests are answered that do not say it."""
    allowed: frozenset[Permission] = frozenset()


# What may be done without a name: what every token could do before there were names.
UNNAMED = frozenset({Permission.TOOLS})
ANONYMOUS = Caller("anonymous", allowed=UNNAMED)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks and in which session; `routing_mode` is what the header asks for, `named_mode` what the model's name does, and
    `routing_path` where the request went."""

    caller: Caller
    session_id: str | None = None
    routing_mode: RoutingMode | None = None
    named_mode: RoutingMode | None = None
    routing_path: RoutingMode = RoutingMode.PASSTHROUGH
    user: str | None = None
    """OpenAI's `user` of the body: whom the caller asks for."""
    provider_headers: tuple[tuple[str, str], ...] = ()
    """Headers of the request that are its provider's to read, such as `anthropic-beta`."""
    provider_fields: bool = False
    """Whether the caller wants LiteLLM's own `provider_specific_fields` in the answer."""
    resumable: bool = False
    """Whether the answer is to live on without its client, and be found again."""
    agent_id: str | None = None
    """Which of a session's agents asks; the first one has no id."""
    parent_agent_id: str | None = None
    memory_user: str | None = None
    """Whose memory the request is about; nobody's if there is none."""
    side_call: Operation | None = None
    """What the request is for, if it is no part of a conversation: the model itself answers it."""
    asked_model: str | None = None
    """The model's name as the request has it, if that says more than which model answers."""

    @property
    def asked_mode(self) -> RoutingMode | None:
        """What this request asks for: its header counts more than its model's name."""
        return self.routing_mode or self.named_mode

    @property
    def end_user(self) -> str:
        """Whom the request is for: the `user` it names, or else its caller."""
        return self.user or self.caller.id

    @property
    def metadata(self) -> dict[str, str]:
        """What every call and span of the request says of it."""
        known = {"routing_path": self.routing_path.value, "caller": self.caller.id, "end_user": self.end_user}
        if self.session_id:
            known["session_id"] = self.session_id
        if self.agent_id:
            known["agent_id"] = self.agent_id
        if self.parent_agent_id:
            known["parent_agent_id"] = self.parent_agent_id
        if self.memory_user:
            known["memory_user"] = self.memory_user
        return known


def with_user(context: RequestContext, body: Mapping[str, Any]) -> RequestContext:
    """The context, with the end user that the body names."""
    user = body.get("user")
    return replace(context, user=user.strip() or None) if isinstance(user, str) else context


def by_name(context: RequestContext, name: str, mode: RoutingMode) -> RequestContext:
    """The context of a request whose model's name says how it is to be answered."""
    return replace(context, asked_model=name, named_mode=mode)


def on_path(context: RequestContext, path: RoutingMode) -> RequestContext:
    """The context of a request that goes this way."""
    return context if context.routing_path is path else replace(context, routing_path=path)
