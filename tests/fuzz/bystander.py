"""Somebody who only wants to be answered while others send what they like: a valid request every fifth of a second."""

import contextlib
import itertools
import json
import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
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


@dataclass(frozen=True)
class Waited:
    """The longest wait so far, in seconds, and what was waited for; or an answer that was no 200."""

    seconds: float
    path: str
    refused: bytes | None = None


class Bystander:
    """Asks in turn for each of the paths while the block lasts, in a process of its own: what makes the inputs keeps a core busy.

    What this machine itself was late by, as the process saw it when it slept, is taken off the seconds.
    """

    def __init__(self, port: int, token: str, paths: Sequence[str]) -> None:
        self.refused: list[bytes] = []
        self._longest = Waited(0.0, "")
        requests = [(path, request_of(path, token)) for path in paths]
        spawn = multiprocessing.get_context("spawn")
        self._over = spawn.Event()
        self._heard, tells = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_ask_on, args=(port, requests, self._over, tells), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._listen()
        self._process.join(GIVEN_UP)
        self._listen()

    @property
    def longest(self) -> Waited:
        self._listen()
        return self._longest

    def _listen(self) -> None:
        with contextlib.suppress(EOFError):
            while self._heard.poll():
                told: Waited = self._heard.recv()
                if told.refused is not None:
                    self.refused.append(told.refused)
                else:
                    self._longest = told


def _ask_on(port: int, requests: Sequence[tuple[str, bytes]], over: Event, tells: Connection) -> None:
    longest = 0.0
    for path, request in itertools.cycle(requests):
        began = time.monotonic()
        if over.wait(EVERY):
            return
        late = time.monotonic() - began - EVERY
        started = time.monotonic()
        answer = _ask(port, request)
        waited = time.monotonic() - started - late
        if waited > longest:
            longest = waited
            tells.send(Waited(waited, path))
        if not answer.startswith(b"HTTP/1.1 200"):
            tells.send(Waited(waited, path, answer))


def _ask(port: int, request: bytes) -> bytes:
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=GIVEN_UP) as connection:
            connection.sendall(request)
            while block := connection.recv(65536):
                received += block
    except OSError as error:
        return received or repr(error).encode()
    return received
