"""Stands between a client and the API, hands everything on at once, and keeps it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx

WITHIN: Final = 120.0  # seconds that an answer may be silent
# Of the connection, not of what is said over it.
OF_THE_CONNECTION: Final = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Exchange:
    """A request, and the answer as the client was given it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    trace_id: str
    answer: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """Of a streamed chat completion."""
        lines = (line.removeprefix("data: ") for line in self.answer.splitlines() if line.startswith("data: {"))
        return [json.loads(line) for line in lines]

    @property
    def finish_reasons(self) -> list[str]:
        choices = [choice for chunk in self.chunks for choice in chunk["choices"]]
        return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]

    @property
    def usage(self) -> dict[str, Any]:
        """What the client was told that it used."""
        return dict(next(chunk["usage"] for chunk in self.chunks if chunk.get("usage")))


@dataclass(frozen=True)
class Relay:
    """Where it listens, and what passed, in the order in which the answers ended."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list)

    def those_with(self, text: str) -> list[Exchange]:
        """The exchanges whose request has the text."""
        return [exchange for exchange in self.exchanges if text in json.dumps(exchange.body, ensure_ascii=False)]


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    """A relay to the API, ended with the block."""
    with httpx.Client(base_url=url, timeout=WITHIN, trust_env=False) as api:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        relay = Relay(f"http://127.0.0.1:{server.server_port}")
        server.api, server.exchanges = api, relay.exchanges  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """What is worth knowing is kept."""

    def _hand_on(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        own = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
        asked = self.server.api.stream(  # type: ignore[attr-defined]
            self.command, self.path, headers=own | {"accept-encoding": "identity"}, content=sent
        )
        with asked as answered:
            told = self._tell(answered)
        body = json.loads(sent) if sent else {}
        headers = {name.lower(): value for name, value in own.items()}
        kept: list[Exchange] = self.server.exchanges  # type: ignore[attr-defined]
        kept.append(Exchange(self.path, headers, body, answered.headers.get("x-trace-id", ""), told.decode()))

    def _tell(self, answered: httpx.Response) -> bytes:
        """Block by block, as they come; the connection's end is the answer's."""
        self.send_response(answered.status_code)
        for name, value in answered.headers.multi_items():
            if name not in OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        told = b""
        # A client that leaves is seen by the API as well.
        with contextlib.suppress(OSError):
            for block in answered.iter_raw():
                self.wfile.write(block)
                told += block
        return told

    do_GET = do_POST = _hand_on  # noqa: N815 the names that the base class looks for
