"""The HTTP transport below the MCP client: one failed request does not end the session, and says what became of it.

The client's own transport lets a network error end the whole session, and with it every other call on it; nor does it
tell a request that never left from one whose answer was lost. Here a failed request is answered, for that request
alone, with a JSON-RPC error that carries its `Fate`. So is one whose JSON answer is too long: the client itself would
read it whole, however long it is.
"""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from enum import StrEnum
from typing import Any

import httpx2
from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, REQUEST_TIMEOUT, ErrorData
from pydantic import ValidationError

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 30.0
# Below the 5 s after which uvicorn and others close idle connections: a request must not meet a connection's end.
KEEPALIVE_SECONDS = 2.0
# One connection per call under way and one to listen: calls that hang must not keep others waiting for a connection.
MAX_CONNECTIONS = 1_000
# The most that is read of one answer, be it JSON or an event. What is shorter is cut later, with a note.
MAX_RESULT_BYTES = 64 * 1024 * 1024
# A JSON-RPC error code outside the range that the protocol reserves, and a mark that no server can know.
_CODE = 1
_MARK = uuid.uuid4().hex
_EVENT_TOO_LONG = "SSE stream failed: Server-sent event exceeded the "
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class Fate(StrEnum):
    """What became of a request that failed."""

    NOT_SENT = "not sent"
    """Nothing of it was written, or the server refused it unseen: it may be sent again."""
    UNKNOWN = "unknown"
    """It may or may not have been carried out."""
    ANSWERED = "answered"
    """The server said no."""
    TOO_LONG = "too long"
    """It was carried out, but the answer is too long to be read."""


class ConnectRefusedError(Exception):
    """The server turned the connection down before a session began, with this HTTP status."""

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(f"the server answered HTTP {status}{hint}")
        self.status = status


def fate_of(error: ErrorData) -> Fate:
    """What an error of the MCP client says about its request."""
    if isinstance(error.data, dict) and error.data.get("mark") == _MARK:
        return Fate(error.data["fate"])
    # The client's own words for an event that is too long,
    if error.code == CONNECTION_CLOSED and error.message.startswith(_EVENT_TOO_LONG):
        return Fate.TOO_LONG
    # and for an answer that broke off or could not be read: the call may well have been carried out.
    return Fate.UNKNOWN if error.code in (CONNECTION_CLOSED, PARSE_ERROR) else Fate.ANSWERED


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
        if request.method != "POST":
            return _guarded(response)
        if response.status_code < 400:
            return self._bounded(request, response) if _is_json(response) else _guarded(response)
        if "mcp-session-id" in request.headers and response.status_code == 404:
            await response.aclose()
            return _failed(request, Fate.NOT_SENT, "the server no longer knows the session")
        if _is_json(response):
            response = await self._read(request, response)
            if _is_message(response) and not _no_access(response):
                return response
        return await self._refused(request, response)

    async def _refused(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        status = response.status_code
        if not self.established and not _no_access(response) and status < 500:
            return response  # An older server's way to say that it does not know the newer protocol.
        await response.aclose()
        hint = "; is the server's auth_token_env right?" if _no_access(response) else ""
        if not self.established:
            raise ConnectRefusedError(status, hint)
        # A gateway's 502 or 504 does not say how far the request got.
        return _failed(request, Fate.UNKNOWN if status >= 500 else Fate.ANSWERED, f"HTTP {status}{hint}")

    def _bounded(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        # The body is handed on decoded: what is counted is what is kept in memory.
        headers = httpx2.Headers([(n, v) for n, v in response.headers.multi_items() if n.lower() not in _OF_THE_WIRE])
        body = _JSONBody(response, request, self._max_bytes)
        return httpx2.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)

    async def _read(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """The response with its body at hand, which is empty if it broke off."""
        bounded = self._bounded(request, response)
        try:
            content = await bounded.aread()
        except httpx2.StreamError:
            content = b""
        finally:
            await bounded.aclose()
        return httpx2.Response(
            response.status_code, headers=bounded.headers, content=content, extensions=response.extensions
        )

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


class _JSONBody(httpx2.AsyncByteStream):
    """A JSON answer or, where it is longer than may be read, an error in its place. Breaks off as _BodyStream does."""

    def __init__(self, response: httpx2.Response, request: httpx2.Request, most: int) -> None:
        self._response = response
        self._request = request
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        size = 0
        try:
            async with aclosing(self._response.aiter_bytes()) as body:
                async for part in body:
                    size += len(part)
                    if size > self._most:
                        yield self._too_long()
                        return
                    parts.append(part)
        except (httpx2.TransportError, httpx2.DecodingError) as problem:
            raise httpx2.StreamError(describe(problem)) from problem
        for part in parts:
            yield part

    def _too_long(self) -> bytes:
        message = f"its answer is longer than {self._most:,} bytes, the most that is read"
        return json.dumps(_error(Fate.TOO_LONG, message, json.loads(self._request.content).get("id"))).encode()

    async def aclose(self) -> None:
        await self._response.aclose()


def _guarded(response: httpx2.Response) -> httpx2.Response:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BodyStream(response.stream)
    return response


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith("application/json")


def _is_message(response: httpx2.Response) -> bool:
    """Whether the body is MCP's: gateways answer for a server that is down, and many do so in JSON of their own."""
    try:
        content = response.json()
    except ValueError:
        return False
    return isinstance(content, dict) and "jsonrpc" in content


def _no_access(response: httpx2.Response) -> bool:
    return response.status_code in (401, 403)


def _failed(request: httpx2.Request, fate: Fate, message: str) -> httpx2.Response:
    return httpx2.Response(503, json=_error(fate, message, None), request=request)


def _error(fate: Fate, message: str, request_id: Any) -> dict[str, Any]:
    error = {"code": _CODE, "message": message, "data": {"mark": _MARK, "fate": fate}}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def is_refusal(problem: BaseException) -> bool:
    """Whether a connection failed because the server is there and said no: trying again soon would change nothing."""
    match _first(problem):
        case ConnectRefusedError(status=status):
            return status < 500
        case MCPError(error=error):
            return error.code != REQUEST_TIMEOUT and fate_of(error) in (Fate.ANSWERED, Fate.TOO_LONG)
        case ValidationError():
            return True  # An answer that the protocol does not know.
        case RuntimeError() as unknown:
            return str(unknown).startswith("Unsupported protocol version")  # The client's own words.
    return False


def describe(problem: BaseException) -> str:
    """An exception in a line; of a group, the first that says something."""
    problem = _first(problem)
    return str(problem) or type(problem).__name__


def _first(problem: BaseException) -> BaseException:
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem
