"""What a request says of itself beside its body, parsed once, from the headers named here and no others."""

import re
from typing import cast

from starlette.requests import Request

from api.context import Caller, RequestContext
from api.errors import InvalidHeader
from api.protocol import PROVIDER_FIELDS_HEADER, ROUTING_MODE_HEADER, SESSION_ID_HEADER, RoutingMode

_SESSION_ID = re.compile(r"[\x21-\x7e]{1,200}")


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
