"""Bodies of HTTP answers on their way to the MCP client: bounded, readable, and breaking off in a way that it can bear."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx2

from api.tools.mcp_envelope import MAX_RESULT_PARTS, has_too_many_parts, mended
from api.tools.mcp_fate import describe, too_long

# How soon the client asks again for a stream that has ended: what a server may ask for, in milliseconds.
MIN_RETRY = 1_000
MAX_RETRY = 30_000
_RETRY = re.compile(rb"retry:\s*(\d{1,15})\s*")
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


def bounded(request: httpx2.Request, response: httpx2.Response, most: int) -> httpx2.Response:
    """The response with a body of at most so many bytes, decoded: what is counted is what is kept in memory."""
    headers = httpx2.Headers([(n, v) for n, v in response.headers.multi_items() if n.lower() not in _OF_THE_WIRE])
    if is_events(response):
        body: httpx2.AsyncByteStream = _EventBody(response, request, most)
    else:
        body = _JSONBody(response, request, most)
        headers["content-type"] = "application/json"  # Whatever it said; if it is no JSON, that will be seen.
    return httpx2.Response(response.status_code, headers=headers, stream=body, extensions=response.extensions)


def guarded(response: httpx2.Response) -> httpx2.Response:
    """The response with its body as it is, but for the way in which it breaks off."""
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BodyStream(response.stream)
    return response


def is_json(response: httpx2.Response) -> bool:
    """Whether the body says that it is JSON."""
    return response.headers.get("content-type", "").lower().startswith("application/json")


def is_events(response: httpx2.Response) -> bool:
    """Whether the body says that it is a stream of events."""
    return response.headers.get("content-type", "").lower().startswith("text/event-stream")


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


class _Bounded(httpx2.AsyncByteStream):
    """Reads the answer to a request, decoded. Breaks off as _BodyStream does."""

    def __init__(self, response: httpx2.Response, request: httpx2.Request, most: int) -> None:
        self._response = response
        self._request = request
        self._most = most

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._response.aiter_bytes()) as body:
                async for part in body:
                    yield part
        except (httpx2.TransportError, httpx2.DecodingError) as problem:
            raise httpx2.StreamError(describe(problem)) from problem

    def _readable(self, message: bytes) -> bytes:
        if has_too_many_parts(message):
            return too_long(f"its answer has more than {MAX_RESULT_PARTS:,} parts, the most that are read", self._id())
        # What a gateway says in JSON of its own is not to be taken for the server's answer.
        return mended(message, self._id()) if self._response.is_success else message

    def _too_long(self) -> bytes:
        return too_long(f"its answer is longer than {self._most:,} bytes, the most that is read", self._id())

    def _id(self) -> Any:
        return json.loads(self._request.content).get("id") if self._request.method == "POST" else None

    async def aclose(self) -> None:
        await self._response.aclose()


class _JSONBody(_Bounded):
    """A JSON answer or, where it is more than may be read, an error in its place."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        size = 0
        async with aclosing(self._parts()) as body:
            async for part in body:
                size += len(part)
                if size > self._most:
                    yield self._too_long()
                    return
                parts.append(part)
        readable = self._readable(b"".join(parts))
        await asyncio.sleep(0)  # Whoever reads it next takes as long again.
        yield readable


class _EventBody(_Bounded):
    """A stream of events, each handed on once it is whole or, where it is more than may be read, an error in its place."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        size = 0
        async with aclosing(self._lines()) as body:
            async for line in body:
                size += len(line)
                if size > self._most:
                    yield _event([], self._too_long())
                    return
                lines.append(_in_good_time(line))
                if line == b"\n":
                    yield self._whole(lines)
                    lines, size = [], 0
        yield b"".join(lines)

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        """Whole lines with their ends, and beginnings of a line that is too long to be one."""
        begun: list[bytes] = []
        size = 0
        async with aclosing(self._with_plain_ends()) as body:
            async for part in body:
                *ended, rest = part.split(b"\n")
                for end in ended:
                    yield b"".join([*begun, end, b"\n"])
                    begun, size = [], 0
                begun.append(rest)
                size += len(rest)
                if size > self._most:
                    yield b"".join(begun)
                    begun, size = [], 0
        yield b"".join(begun)

    async def _with_plain_ends(self) -> AsyncGenerator[bytes, None]:
        """The body with `\\n` for each of the three ends that a line of an event may have."""
        held = b""
        async with aclosing(self._parts()) as body:
            async for part in body:
                whole = held + part
                held = b"\r" if whole.endswith(b"\r") else b""  # The other half of this end may be still to come.
                yield whole.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield held.replace(b"\r", b"\n")

    def _whole(self, lines: list[bytes]) -> bytes:
        data = b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:"))
        readable = self._readable(data) if data else data
        if readable == data:
            return b"".join(lines)
        return _event([line for line in lines if not line.startswith(b"data:")], readable)


def _in_good_time(line: bytes) -> bytes:
    """A line that says when to ask again, within bounds: with `retry: 0` a stream that ends at once would never rest."""
    found = _RETRY.fullmatch(line)
    return b"retry: %d\n" % min(max(int(found[1]), MIN_RETRY), MAX_RETRY) if found else line


def _event(others: list[bytes], data: bytes) -> bytes:
    return b"".join([*(line for line in others if line != b"\n"), b"data: ", data, b"\n\n"])
