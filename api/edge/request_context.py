"""What a request says of itself beside its body, parsed once, from the headers named here and no others."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from starlette.requests import Request

from api.context import Caller, RequestContext
from api.edge.headers import headers_of, text_of
from api.errors import InvalidHeader
from api.memory import MemoryRouting
from api.protocol import PROVIDER_FIELDS_HEADER, RESUMABLE_HEADER, ROUTING_MODE_HEADER, RoutingMode
from api.session_ids import session_ids

_ROUTING, _PROVIDER_FIELDS, _RESUMABLE = (
    name.lower().encode() for name in (ROUTING_MODE_HEADER, PROVIDER_FIELDS_HEADER, RESUMABLE_HEADER)
)
_ANTHROPICS, _LONGEST = "anthropic-", 4_096
_SENT_ON = re.compile(rf"[ -~]{{0,{_LONGEST}}}")


def parse_request_context(request: Request) -> RequestContext:
    """The context of a request that has been authenticated.

    Raises:
        InvalidHeader: a header that cannot be used, with what it may be.
    """
    headers = headers_of(request.scope)
    ids = session_ids(headers)
    return RequestContext(
        caller=caller_of(request),
        session_id=ids.session,
        routing_mode=_routing_mode(text_of(headers, _ROUTING)),
        provider_fields=_flag(PROVIDER_FIELDS_HEADER, text_of(headers, _PROVIDER_FIELDS)),
        resumable=_flag(RESUMABLE_HEADER, text_of(headers, _RESUMABLE)),
        agent_id=ids.agent,
        parent_agent_id=ids.parent_agent,
    )


def check_resumable(context: RequestContext, body: Mapping[str, Any]) -> None:
    """Raises InvalidHeader if the answer is to be resumed and is none that a client could find again."""
    if context.resumable and not body.get("stream"):
        raise InvalidHeader(
            f'{RESUMABLE_HEADER} needs `"stream": true`: with the head of the answer the client learns by which id to return.',
            param=RESUMABLE_HEADER,
        )


def caller_of(request: Request) -> Caller:
    """Who sent the request, which has been authenticated."""
    return cast(Caller, request.scope["state"]["caller"])


def with_memory(request: Request, context: RequestContext, memory: MemoryRouting) -> RequestContext:
    """The context, with whose memory the request is about; the user whom the body names has to be in it already.

    Raises:
        InvalidHeader: the header that names the user cannot be used.
    """
    if not memory.enabled:
        return context
    found = memory.resolve(headers_of(request.scope), context.caller, context.user)
    return context if found is None else replace(context, memory_user=found.id)


def anthropic_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those that are Anthropic's to read, whatever there will be: betas and versions change with every release of a client. What is
    sent in several lines is one list.

    Raises:
        InvalidHeader: one that cannot be sent on.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(_ANTHROPICS):
            found[name] = f"{found[name]},{value}" if name in found else value
    for name, value in found.items():
        if not _SENT_ON.fullmatch(value):
            raise InvalidHeader(f"{name} must be at most {_LONGEST} visible ASCII characters.", param=name)
    return tuple(found.items())


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
