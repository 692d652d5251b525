"""Somebody who only wants to be answered while others send what they like: a valid request every fifth of a second."""

import json
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

EVERY = 0.2  # seconds
GIVEN_UP = 60.0
_CHAT = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}).encode()


def request_of(path: str, token: str) -> bytes:
    """A valid request, of a chat completion if the path is theirs."""
    body = _CHAT if path.endswith("/completions") else b""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


class Bystander:
    """Asks in turn for each of the paths, in a thread of its own, while the block lasts.

    `longest` is in seconds; what this machine itself was late by, as the thread saw it when it slept, is taken off.
    """

    def __init__(self, port: int, token: str, paths: Sequence[str]) -> None:
        self.longest = 0.0
        self.longest_path = ""
        self.asked = 0
        self.refused: list[bytes] = []
        self._port, self._requests = port, [(path, request_of(path, token)) for path in paths]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(GIVEN_UP)

    def _ask_on(self) -> None:
        while True:
            began = time.monotonic()
            if self._over.wait(EVERY):
                return
            late = time.monotonic() - began - EVERY
            started = time.monotonic()
            path, request = self._requests[self.asked % len(self._requests)]
            answer = self._ask(request)
            waited = time.monotonic() - started - late
            if waited > self.longest:
                self.longest, self.longest_path = waited, path
            self.asked += 1
            if not answer.startswith(b"HTTP/1.1 200"):
                self.refused.append(answer)

    def _ask(self, request: bytes) -> bytes:
        received = b""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=GIVEN_UP) as connection:
                connection.sendall(request)
                while block := connection.recv(65536):
                    received += block
        except OSError as error:
            return received or repr(error).encode()
        return received
