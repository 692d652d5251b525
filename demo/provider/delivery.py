"""How an answer leaves: plain or as a stream, with the delays and failures that a script asked for."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from demo.provider.connections import Connections
from demo.provider.records import Record
from demo.provider.script import Reply

JSON_TYPE, SSE_TYPE = b"application/json", b"text/event-stream; charset=utf-8"


class Event(NamedTuple):
    """One server-sent event, ready to be sent; `piece`: it carries content, which delays and failures count."""

    data: bytes
    piece: bool = False


@dataclass
class Delivery:
    """`events` is None for a plain answer; `drops` closes the connection where the answer stands, without an end.

    `ping` is what says in a stream's silences that it lives; None where an API has nothing to say it with.
    """

    status: int = 200
    body: bytes = b""
    events: list[Event] | None = None
    drops: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    ping: Event | None = None


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(value: Any, *, name: str | None = None, piece: bool = False) -> Event:
    head = b"event: " + name.encode() + b"\n" if name else b""
    return Event(head + b"data: " + to_json(value) + b"\n\n", piece)


def broken_off(events: list[Event], after: int) -> list[Event]:
    """The events up to the nth piece; of 0 pieces not even the opening events come."""
    kept: list[Event] = []
    for item in events if after else []:
        kept.append(item)
        after -= item.piece
        if after == 0:
            break
    return kept


class Sender:
    """Sends one delivery and writes into the record how it ended: completed, dropped or client_disconnected."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, connections: Connections, record: Record) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._connections, self._record = connections, record

    async def deliver(self, delivery: Delivery, reply: Reply) -> None:
        """The client is watched from the first delay on: its going is noticed whatever we are doing."""
        gone = asyncio.create_task(self._client_gone())
        work = asyncio.create_task(self._work(delivery, reply))
        try:
            await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._record.end("client_disconnected")
        finally:
            for task in (gone, work):
                task.cancel()
            await asyncio.gather(gone, work, return_exceptions=True)

    async def _client_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _work(self, delivery: Delivery, reply: Reply) -> None:
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if delivery.events is None:
            await self._plain(delivery)
        else:
            await self._stream(delivery, delivery.events, reply)

    async def _plain(self, delivery: Delivery) -> None:
        if delivery.drops:
            self._drop()
            return
        await self._start(delivery, JSON_TYPE, str(len(delivery.body)))
        await self._end(delivery.body)

    async def _stream(self, delivery: Delivery, events: list[Event], reply: Reply) -> None:
        await self._start(delivery, SSE_TYPE)
        if reply.first_token_delay:
            await self._silence(reply.first_token_delay, delivery, reply)
        waited = False
        for item in events:
            if item.piece and reply.chunk_delay and waited:
                await self._silence(reply.chunk_delay, delivery, reply)
            waited = waited or item.piece
            await self._send({"type": "http.response.body", "body": item.data, "more_body": True})
        if delivery.drops:
            self._drop()
        else:
            await self._end(b"")

    async def _silence(self, seconds: float, delivery: Delivery, reply: Reply) -> None:
        interval = reply.ping_interval if delivery.ping is not None else 0
        while interval and seconds > interval and delivery.ping is not None:
            await asyncio.sleep(interval)
            seconds -= interval
            await self._send({"type": "http.response.body", "body": delivery.ping.data, "more_body": True})
        await asyncio.sleep(seconds)

    async def _start(self, delivery: Delivery, content_type: bytes, length: str | None = None) -> None:
        headers = {"content-type": content_type, **{k.lower(): v.encode() for k, v in delivery.headers.items()}}
        if length is not None:
            headers["content-length"] = length.encode()
        pairs = [(name.encode(), value) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": delivery.status, "headers": pairs})

    async def _end(self, body: bytes) -> None:
        """Recorded before it is sent: a client that has its answer must not read of itself as in progress."""
        self._record.end("completed")
        await self._send({"type": "http.response.body", "body": body})

    def _drop(self) -> None:
        self._record.end("dropped")
        self._connections.close(self._scope["client"])
