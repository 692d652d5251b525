"""GET /memory-routing/info."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.dependencies import Services
from api.edge import caller_of, headers_of
from api.memory import Rule
from api.routes.openapi import error_responses

router = APIRouter(tags=["memory"])


class MatchedPattern(BaseModel):
    """The pattern that decided, and the user that it made of the header."""

    header: str
    pattern: str
    user_id: str


class MemoryRoutingInfo(BaseModel):
    """Whose memory a request with these headers is about, and why.

    `user_id` and `rule` are null where it is nobody's; `reason` says so in words. The custom header is ignored where the caller may
    not set a memory user.
    """

    enabled: bool
    user_id: str | None
    rule: Rule | None
    reason: str
    matched_pattern: MatchedPattern | None
    custom_header_present: bool
    custom_header_ignored: bool
    is_default: bool


@router.get(
    "/memory-routing/info",
    responses=error_responses({400: "The header that names the user cannot be used; `param` names it"}),
)
async def memory_routing_info(request: Request, services: Services) -> MemoryRoutingInfo:
    """Whose memory a request with these headers and this token would be about, unless its body names a user that counts more."""
    return MemoryRoutingInfo(**services.memory.info(headers_of(request.scope), caller_of(request)))
