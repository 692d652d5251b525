"""An upstream that costs next to nothing: it answers at once, paces streams, and counts what happens to its connections.

What it shall do stands in the question: `chunks=100`, `pace=0.02` (seconds between chunks), `delay=0.5` (before it answers).
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

import httptools
import uvloop

PACE = 0.02  # seconds, as a quick model has it
DELAYED_ACK = 0.035  # seconds: a sender that waits for an acknowledgement waits 40 ms
USAGE = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}
ABOUT = {"id": "chatcmpl-bench", "created": 1764000000, "model": "gpt-4o-mini"}
KEY = {
    "key": "hashed",
    "info": {"key_name": "sk-...", "key_alias": "bench", "models": [], "blocked": None, "metadata": {}},
}
MODELS = {"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model", "created": 1, "owned_by": "bench"}]}
LOOKUPS: dict[str, Any] = {
    "/health": {"status": "ok"},
    "/health/readiness": {"status": "healthy", "db": "connected"},
    "/key/info": KEY,
    "/v1/models": MODELS,
    "/models": MODELS,
    "/v1/model/info": {"data": []},
}


class Upstream(asyncio.Protocol):
    """One connection. The counters are the process's."""

    accepted: ClassVar[int] = 0
    open: ClassVar[int] = 0
    late_bodies: ClassVar[int] = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        Upstream.accepted += 1
        Upstream.open += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio calls it so
        Upstream.open -= 1
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._body, self._began = b"", b"", perf_counter()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        Upstream.late_bodies += perf_counter() - self._began > DELAYED_ACK
        self._last = not self._parser.should_keep_alive()
        path = self._url.decode().partition("?")[0]
        form = FORMS.get(path.rpartition("/")[2])
        if form is None:
            self._finish(_whole(LOOKUPS.get(path, _counters())))
            return
        self._form, asks = form, json.loads(self._body)
        delay = self._told(rb"delay=([\d.]+)", 0.0)
        answer = self._stream if asks.get("stream") else self._plain
        self._timer = asyncio.get_running_loop().call_later(delay, answer, asks) if delay else None
        if not delay:
            answer(asks)

    def _plain(self, _asks: dict[str, Any]) -> None:
        self._finish(_whole(self._form.answer()))

    def _finish(self, last: bytes) -> None:
        self._transport.write(last)
        if self._last:
            self._transport.close()

    def _stream(self, asks: dict[str, Any]) -> None:
        count, pace = int(self._told(rb"chunks=(\d+)", 20)), self._told(rb"pace=([\d.]+)", PACE)
        usage = bool((asks.get("stream_options") or {}).get("include_usage"))
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self._transport.write(head + self._form.opening() + self._form.chunk(0))
        self._next(1, count, pace, asyncio.get_running_loop().time(), usage)

    def _next(self, number: int, count: int, pace: float, due: float, usage: bool) -> None:
        if number < count:
            loop, due = asyncio.get_running_loop(), due + pace
            self._timer = loop.call_at(due, self._paced, number, count, pace, due, usage)
        else:
            self._finish(self._form.end(usage))

    def _paced(self, number: int, count: int, pace: float, due: float, usage: bool) -> None:
        self._transport.write(self._form.chunk(number))
        self._next(number + 1, count, pace, due, usage)

    def _told(self, pattern: bytes, default: float) -> float:
        found = re.search(pattern, self._body)
        return float(found.group(1)) if found else default


@lru_cache
def _completion() -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "word " * 20, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**ABOUT, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def _counters() -> dict[str, int]:
    return {"accepted": Upstream.accepted, "open": Upstream.open, "late_bodies": Upstream.late_bodies}


def _whole(answer: Any) -> bytes:
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _event(**fields: Any) -> bytes:
    event = {**ABOUT, "object": "chat.completion.chunk", **fields}
    return _framed(b"data: %b\n\n" % json.dumps(event).encode())


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache
def _role() -> bytes:
    delta = {"role": "assistant", "content": "", "refusal": None}
    return _event(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], usage=None)


@cache
def _chunk(number: int) -> bytes:
    # LiteLLM ends a stream that says the same a hundred times.
    delta = {"content": f"word{number} "}
    return _event(choices=[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], usage=None)


@lru_cache
def _end(usage: bool) -> bytes:
    last = _event(choices=[{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}], usage=None)
    counted = _event(choices=[], usage=USAGE) if usage else b""
    return last + counted + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


MESSAGE_USAGE = {"input_tokens": 9, "output_tokens": 20}


@lru_cache
def _message() -> dict[str, Any]:
    content = [{"type": "text", "text": "word " * 20}]
    head = {"id": "msg_bench", "type": "message", "role": "assistant", "model": ABOUT["model"]}
    return {**head, "content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": MESSAGE_USAGE}


def _named(kind: str, **fields: Any) -> bytes:
    return _framed(b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode()))


@lru_cache
def _message_start() -> bytes:
    block = {"type": "text", "text": ""}
    return _named("message_start", message={**_message(), "content": []}) + _named(
        "content_block_start", index=0, content_block=block
    )


@cache
def _delta(number: int) -> bytes:
    return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": f"word{number} "})


@lru_cache
def _message_stop(_usage: bool) -> bytes:
    ended = _named("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=MESSAGE_USAGE)
    return _named("content_block_stop", index=0) + ended + _named("message_stop") + b"0\r\n\r\n"


class Form(NamedTuple):
    """What an answer is made of, plain and streamed."""

    answer: Callable[[], dict[str, Any]]
    opening: Callable[[], bytes]
    chunk: Callable[[int], bytes]
    end: Callable[[bool], bytes]


FORMS = {
    "completions": Form(_completion, _role, _chunk, _end),
    "messages": Form(_message, _message_start, _delta, _message_stop),
}


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
