"""The HTTP transport below the MCP client: one failed request does not end the session, and says what became of it.

The client's own transport lets a network error end the whole session, and with it every other call on it; nor does it
tell a request that never left from one whose answer was lost. Here a failed request is answered, for that request
alone, with a JSON-RPC error that carries its `Fate`. So is one whose JSON answer is too long: the client itself would
read it whole, however long it is.
"""

import json
from collections import Counter
from typing import Any

import httpx2

from api.tools.mcp_access import hint, no_access, no_answer, phrase
from api.tools.mcp_bodies import bounded, guarded, is_events, is_json
from api.tools.mcp_envelope import MAX_RESULT_BYTES
from api.tools.mcp_fate import ConnectRefusedError, Fate, describe, failure

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 30.0
# Below the 5 s after which uvicorn and others close idle connections: a request must not meet a connection's end.
KEEPALIVE_SECONDS = 2.0
# One connection per call under way and one to listen: calls that hang must not keep others waiting for a connection.
MAX_CONNECTIONS = 1_000
_NO_SESSION = "the server no longer knows the session"
# How often the client may ask again for what followed the same event, before the stream counts as lost.
MAX_RESUMPTIONS = 30
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


def build_http_client(transport: httpx2.AsyncBaseTransport, token: str | None) -> httpx2.AsyncClient:
    """The client for one server. Reads have no limit of their own: each call brings one, and listening has none."""
    timeout = httpx2.Timeout(connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS, read=None)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(transport=transport, timeout=timeout, headers=headers)


class FateTransport(httpx2.AsyncBaseTransport):
    """Turns failures of POSTs into answers. Until `established` they are raised: there is no session to protect yet."""

    def __init__(self, max_result_bytes: int = MAX_RESULT_BYTES) -> None:
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS)
        self._inner = httpx2.AsyncHTTPTransport(limits=limits)
        self.established = False
        self._max_bytes = max_result_bytes
        self._resumptions: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request, once."""
        if self._resumed_too_often(request):
            return httpx2.Response(410, request=request)
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as problem:
            if not self.established or request.method != "POST":
                raise
            fate = Fate.NOT_SENT if isinstance(problem, _NEVER_LEFT) else Fate.UNKNOWN
            return _failed(request, fate, describe(problem))
        return await self._judged(request, response)

    def _resumed_too_often(self, request: httpx2.Request) -> bool:
        event = request.headers.get("last-event-id")
        if event is None:
            return False
        if len(self._resumptions) >= MAX_CONNECTIONS:
            self._resumptions.clear()
        self._resumptions[event] += 1
        return self._resumptions[event] > MAX_RESUMPTIONS

    async def _judged(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method != "POST":
            return bounded(request, response, self._max_bytes) if is_events(response) else guarded(response)
        if why := no_answer(request, response):
            return await self._no_answer(request, response, why)
        if response.status_code < 400:
            # Any other has no body.
            return bounded(request, response, self._max_bytes) if response.status_code == 200 else guarded(response)
        in_session = "mcp-session-id" in request.headers
        if in_session and response.status_code == 404:
            await response.aclose()
            return _failed(request, Fate.NOT_SENT, _NO_SESSION)
        if is_json(response):
            response = await self._read(request, response)
            if in_session and response.status_code == 400 and _misses_session(response):
                return _failed(request, Fate.NOT_SENT, _NO_SESSION)
            if _is_message(response) and not no_access(response):
                return response
        return await self._refused(request, response)

    async def _no_answer(self, request: httpx2.Request, response: httpx2.Response, why: str) -> httpx2.Response:
        await response.aclose()
        if not self.established:
            raise ConnectRefusedError(response.status_code, why)
        return _failed(request, Fate.UNKNOWN, f"HTTP {response.status_code}{why}")

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        status, denied = response.status_code, no_access(response)
        if not self.established and not denied and status < 500 and _method(request) != "initialize":
            return response  # An older server's way to say that it does not know the newer protocol.
        await response.aclose()
        if not self.established:
            other = f"{phrase(status)}; is the server's url right?" if status < 500 else ""
            raise ConnectRefusedError(status, hint(request, response) or other)
        # A gateway's 502 or 504 does not say how far the request got.
        fate = Fate.UNKNOWN if status >= 500 else Fate.NO_ACCESS if denied else Fate.ANSWERED
        return _failed(request, fate, f"HTTP {status}{hint(request, response)}")

    async def _read(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """The response with its body at hand, which is empty if it broke off."""
        body = bounded(request, response, self._max_bytes)
        try:
            content = await body.aread()
        except httpx2.StreamError:
            content = b""
        finally:
            await body.aclose()
        return httpx2.Response(
            response.status_code, headers=body.headers, content=content, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._inner.aclose()


def _method(request: httpx2.Request) -> Any:
    return json.loads(request.content).get("method")


def _is_message(response: httpx2.Response) -> bool:
    """Whether the body is MCP's: gateways answer for a server that is down, and many do so in JSON of their own."""
    try:
        content = response.json()
    except ValueError:
        return False
    return isinstance(content, dict) and "jsonrpc" in content


def _misses_session(response: httpx2.Response) -> bool:
    """Whether a request was refused because its session is not known, where a server has no 404 for that."""
    if not _is_message(response):
        return False
    content = response.json()
    error = content.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    return content.get("id") is None and isinstance(said, str) and "session" in said.lower()


def _failed(request: httpx2.Request, fate: Fate, message: str) -> httpx2.Response:
    return httpx2.Response(503, json=failure(fate, message, None), request=request)
