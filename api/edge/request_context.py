"""What a request says of itself beside its body, parsed once, from the headers named here and no others."""

import re
from collections.abc import Iterable
from typing import cast

from starlette.requests import Request

from api.context import Caller, RequestContext
from api.edge.headers import headers_of, text_of
from api.errors import InvalidHeader
from api.protocol import PROVIDER_FIELDS_HEADER, ROUTING_MODE_HEADER, SESSION_ID_HEADER, RoutingMode

_SESSION, _ROUTING, _PROVIDER_FIELDS = (
    name.lower().encode() for name in (SESSION_ID_HEADER, ROUTING_MODE_HEADER, PROVIDER_FIELDS_HEADER)
)
_ANTHROPICS = "anthropic-"
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,200}")


def parse_request_context(request: Request) -> RequestContext:
    """The context of a request that has been authenticated.

    Raises:
        InvalidHeader: a header that cannot be used, with what it may be.
    """
    headers = headers_of(request.scope)
    return RequestContext(
        caller=cast(Caller, request.scope["state"]["caller"]),
        session_id=_session_id(text_of(headers, _SESSION)),
        routing_mode=_routing_mode(text_of(headers, _ROUTING)),
        provider_fields=_flag(PROVIDER_FIELDS_HEADER, text_of(headers, _PROVIDER_FIELDS)),
    )


def anthropic_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those that are Anthropic's to read, whatever there will be: betas and versions change with every release of a client."""
    return tuple((name, value) for name, value in headers if name.startswith(_ANTHROPICS))


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
    flag = "false" if value is None else value.strip().lower()
    if flag not in ("true", "false"):
        raise InvalidHeader(f"{header} must be 'true' or 'false'.", param=header)
    return flag == "true"
