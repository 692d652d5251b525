"""What a request says of itself beside its body, parsed once, from the headers named here and no others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from starlette.requests import Request

from api.auth import Caller
from api.errors import InvalidHeader
from api.protocol import RoutingMode

ROUTING_MODE_HEADER = "X-Routing-Mode"
SESSION_ID_HEADER = "X-Session-ID"
PROVIDER_FIELDS_HEADER = "X-Provider-Specific-Fields"
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks and in which session; `routing_mode` is what was asked for, `routing_path` where the request went."""

    caller: Caller
    session_id: str | None = None
    routing_mode: RoutingMode | None = None
    routing_path: RoutingMode = RoutingMode.PASSTHROUGH
    user: str | None = None
    """OpenAI's `user` of the body: whom the caller asks for."""
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


def parse_request_context(request: Request) -> RequestContext:
    """The context of a request that has been authenticated.

    Raises:
        InvalidHeader: a header that cannot be used, with what it may be.
    """
    return RequestContext(
        caller=cast(Caller, request.state.caller),
        session_id=_session_id(request.headers.get(SESSION_ID_HEADER)),
        routing_mode=_routing_mode(request.headers.get(ROUTING_MODE_HEADER)),
        provider_fields=_flag(PROVIDER_FIELDS_HEADER, request.headers.get(PROVIDER_FIELDS_HEADER)),
    )


def _session_id(value: str | None) -> str | None:
    if value is None or _SESSION_ID.fullmatch(value):
        return value
    raise InvalidHeader(
        f"{SESSION_ID_HEADER} must be 1 to 200 visible ASCII characters without spaces.", param=SESSION_ID_HEADER
    )


def _routing_mode(value: str | None) -> RoutingMode | None:
    if value is None:
        return None
    try:
        return RoutingMode(value.strip().lower())
    except ValueError:
        valid = ", ".join(f"'{mode}'" for mode in RoutingMode)
        raise InvalidHeader(f"{ROUTING_MODE_HEADER} must be one of {valid}.", param=ROUTING_MODE_HEADER) from None


def _flag(header: str, value: str | None) -> bool:
    flags = {None: False, "true": True, "false": False}
    flag = None if value is None else value.strip().lower()
    if flag not in flags:
        raise InvalidHeader(f"{header} must be 'true' or 'false'.", param=header)
    return flags[flag]
