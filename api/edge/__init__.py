"""What every request passes before its handler, and every answer after it.

request_head.py        the head: how large it may be and how long it may take; what uvicorn leaves to a proxy
answering.py           the head and what is said next, in one piece
upgrade_offer.py       an offer to speak another protocol, taken out of a head
hosts.py               the names that this server answers to
cross_origin.py        which pages of other origins may call it
paths.py               paths with a slash too many, and HEAD
auth.py                the token → `Caller`; everything is protected but a named list of routes
request_id.py          an `x-request-id` on every answer
bytes_in_flight.py     how many bytes of bodies may be under way at once
request_body.py        bytes → a JSON object that holds what it must
json_bounds.py         how much a body may hold, whatever it means; request_bounds.py, schema_size.py: of what
content_coding.py      compressed bodies, decoded as they come
headers.py             looked up by name
request_context.py     the few headers that are read → `RequestContext`
disconnect.py          work that ends with its client; incoming.py: what the server knows of that before ASGI
streaming.py           events as an answer, closed whatever happens
stream_keepalive.py    a comment for every while that a stream is silent
direct.py              handlers without a framework around them
exception_handlers.py  whatever a handler raises → an error; rendering.py: in the dialect of whoever asked
"""

from api.edge import exception_handlers
from api.edge.auth import PUBLIC_ROUTES, AuthenticationMiddleware, TokenAuthenticator
from api.edge.bytes_in_flight import BytesInFlightMiddleware
from api.edge.cross_origin import CrossOriginMiddleware
from api.edge.direct import DirectRoute, DirectRoutesMiddleware
from api.edge.disconnect import unless_disconnected
from api.edge.headers import headers_of
from api.edge.hosts import HostMiddleware
from api.edge.paths import PathMiddleware
from api.edge.rendering import speaks_anthropic
from api.edge.request_body import read_json_object, validate
from api.edge.request_context import anthropic_headers, caller_of, check_resumable, parse_request_context, with_memory
from api.edge.request_id import RequestIdMiddleware
from api.edge.streaming import EventSource, EventStreamResponse, failure_event

__all__ = [
    "PUBLIC_ROUTES",
    "AuthenticationMiddleware",
    "BytesInFlightMiddleware",
    "CrossOriginMiddleware",
    "DirectRoute",
    "DirectRoutesMiddleware",
    "EventSource",
    "EventStreamResponse",
    "HostMiddleware",
    "PathMiddleware",
    "RequestIdMiddleware",
    "TokenAuthenticator",
    "anthropic_headers",
    "caller_of",
    "check_resumable",
    "exception_handlers",
    "failure_event",
    "headers_of",
    "parse_request_context",
    "read_json_object",
    "speaks_anthropic",
    "unless_disconnected",
    "validate",
    "with_memory",
]
