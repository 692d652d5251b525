"""A client that costs next to nothing: one request at a time on a connection, and the moments at which its answer came."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httptools

TIMEOUT = 120  # seconds
ENDS = (b"data: [DONE]", b'{"type": "message_stop"}')


@dataclass(frozen=True)
class Target:
    """Somebody who answers chat completions, or what `path` names; `url` is the base that it is added to."""

    name: str
    url: str
    key: str = field(default="sk-none", repr=False)
    path: str = "/v1/chat/completions"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """Times in seconds since the request was sent; `arrivals` has one for each read that held content."""

    status: int = 0
    head: float = math.nan
    first: float = math.nan
    total: float = math.nan
    arrivals: list[float] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    @property
    def longest_gap(self) -> float:
        """Between two arrivals of content."""
        return max((b - a for a, b in zip(self.arrivals, self.arrivals[1:], strict=False)), default=0.0)

    @property
    def late(self) -> float:
        """Between the answer's head and the first of its body."""
        return (self.arrivals[0] if self.arrivals else self.total) - self.head


class Connection(asyncio.Protocol):
    """Kept alive between requests, as long as the server agrees."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._done: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionResetError(f"{self._client.target.name} closed the connection"))

    async def send(self, request: bytes) -> Answer:
        self._parser, self._answer = httptools.HttpResponseParser(self), Answer()
        self._done = asyncio.get_running_loop().create_future()
        self._began = perf_counter()
        self.transport.write(request)
        async with asyncio.timeout(TIMEOUT):
            return await self._done

    def data_received(self, data: bytes) -> None:
        self._now = perf_counter() - self._began
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self._answer.head = self._now

    def on_body(self, data: bytes) -> None:
        answer = self._answer
        answer.body += data
        answer.arrivals.append(self._now)
        if math.isnan(answer.first) and b"word" in data:
            answer.first = self._now
        self._client.events += data.count(b"\n\n")

    def on_message_complete(self) -> None:
        self._answer.status, self._answer.total = self._parser.get_status_code(), self._now
        if self._parser.should_keep_alive():
            self._client.idle.append(self)
        else:
            self.transport.close()
        if self._done is not None and not self._done.done():
            self._done.set_result(self._answer)


class Client:
    """Connections to one target; `events` counts those of all its streams, `opened` its connections."""

    def __init__(self, target: Target) -> None:
        self.target, self.events, self.opened = target, 0, 0
        self.idle: list[Connection] = []
        place = urlsplit(target.url)
        self._host, self._port = str(place.hostname), place.port or 80
        self._path = f"{place.path}{target.path}"

    async def send(self, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        """Raises AssertionError unless it was answered with success, and whole."""
        connection = await self._connection()
        answer = await connection.send(self._request(json.dumps(body).encode(), headers or {}))
        assert answer.status == 200, f"{self.target.name} answered {answer.status}: {bytes(answer.body[:2000])!r}"
        whole = not body.get("stream") or answer.body.rstrip().endswith(ENDS)
        assert whole, f"{self.target.name} broke off: {bytes(answer.body[-500:])!r}"
        return answer

    def close(self) -> None:
        for connection in self.idle:
            connection.transport.close()
        self.idle.clear()

    async def _connection(self) -> Connection:
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing():
                return connection
        self.opened += 1
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: Connection(self), self._host, self._port))[1]

    def _request(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        own = {"host": f"{self._host}:{self._port}", "content-type": "application/json", "accept": "*/*"}
        all_headers = {**own, "authorization": f"Bearer {self.target.key}", **self.target.headers, **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
        return f"POST {self._path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
