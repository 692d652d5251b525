"""The HTTP transport below the MCP client: one failed request does not end the session, and says what became of it.

The client's own transport lets a network error end the whole session, and with it every other call on it; nor does it
tell a request that never left from one whose answer was lost. Here a failed request is answered, for that request
alone, with a JSON-RPC error that carries its `Fate`.
"""

import uuid
from collections.abc import AsyncIterator
from enum import StrEnum

import httpx2
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, ErrorData

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 30.0
# Below the 5 s after which uvicorn and others close idle connections: a request must not meet a connection's end.
KEEPALIVE_SECONDS = 2.0
# One connection per call under way and one to listen: calls that hang must not keep others waiting for a connection.
MAX_CONNECTIONS = 1_000
# A JSON-RPC error code outside the range that the protocol reserves, and a mark that no server can know.
_CODE = 1
_MARK = uuid.uuid4().hex
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class Fate(StrEnum):
    """What became of a request that failed."""

    NOT_SENT = "not sent"
    """Nothing of it was written, or the server refused it unseen: it may be sent again."""
    UNKNOWN = "unknown"
    """It may or may not have been carried out."""
    ANSWERED = "answered"
    """The server said no."""


class ConnectRefusedError(Exception):
    """The server turned the connection down before a session began."""


def fate_of(error: ErrorData) -> Fate:
    """What an error of the MCP client says about its request."""
    if isinstance(error.data, dict) and error.data.get("mark") == _MARK:
        return Fate(error.data["fate"])
    # The client's own words for an answer that broke off or could not be read: the call may well have been carried out.
    return Fate.UNKNOWN if error.code in (CONNECTION_CLOSED, PARSE_ERROR) else Fate.ANSWERED


def build_http_client(transport: httpx2.AsyncBaseTransport, token: str | None) -> httpx2.AsyncClient:
    """The client for one server. Reads have no limit of their own: each call brings one, and listening has none."""
    timeout = httpx2.Timeout(connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS, read=None)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(transport=transport, timeout=timeout, headers=headers)


class FateTransport(httpx2.AsyncBaseTransport):
    """Turns failures of POSTs into answers. Until `established` they are raised: there is no session to protect yet."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS)
        self._inner = httpx2.AsyncHTTPTransport(limits=limits)
        self.established = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request, once."""
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as problem:
            if not self.established or request.method != "POST":
                raise
            fate = Fate.NOT_SENT if isinstance(problem, _NEVER_LEFT) else Fate.UNKNOWN
            return _failed(request, fate, describe(problem))
        return await self._judged(request, response)

    async def _judged(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method != "POST" or response.status_code < 400:
            if isinstance(response.stream, httpx2.AsyncByteStream):
                response.stream = _BodyStream(response.stream)
            return response
        if "mcp-session-id" in request.headers and response.status_code == 404:
            await response.aclose()
            return _failed(request, Fate.NOT_SENT, "the server no longer knows the session")
        if response.headers.get("content-type", "").startswith("application/json") and not _no_access(response):
            return response
        return await self._refused(request, response)

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        status = response.status_code
        if not self.established and not _no_access(response) and status < 500:
            return response  # An older server's way to say that it does not know the newer protocol.
        await response.aclose()
        hint = "; is the server's auth_token_env right?" if _no_access(response) else ""
        if not self.established:
            raise ConnectRefusedError(f"the server answered HTTP {status}{hint}")
        # A gateway's 502 or 504 does not say how far the request got.
        return _failed(request, Fate.UNKNOWN if status >= 500 else Fate.ANSWERED, f"HTTP {status}{hint}")

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._inner.aclose()


class _BodyStream(httpx2.AsyncByteStream):
    """A body whose connection breaks ends in the one kind of error that the MCP client answers to that call alone."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._body:
                yield part
        except httpx2.TransportError as problem:
            raise httpx2.StreamError(describe(problem)) from problem

    async def aclose(self) -> None:
        await self._body.aclose()


def _no_access(response: httpx2.Response) -> bool:
    return response.status_code in (401, 403)


def _failed(request: httpx2.Request, fate: Fate, message: str) -> httpx2.Response:
    error = {"code": _CODE, "message": message, "data": {"mark": _MARK, "fate": fate}}
    return httpx2.Response(503, json={"jsonrpc": "2.0", "id": None, "error": error}, request=request)


def describe(problem: BaseException) -> str:
    """An exception in a line; of a group, the first that says something."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return str(problem) or type(problem).__name__
