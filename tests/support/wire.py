"""HTTP over a bare socket: what no client library would send, and what it says byte by byte."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.api import TOKEN, RunningAPI


@contextmanager
def connection(api: RunningAPI) -> Iterator[socket.socket]:
    """One that waits at most 20 s for anything."""
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=20) as opened:
        yield opened


def until_closed(opened: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    received = b""
    while block := opened.recv(65536):
        received += block
    return received


def until(opened: socket.socket, end: bytes) -> bytes:
    """What the server says, to the block that ends with or contains `end`."""
    received = b""
    while end not in received:
        block = opened.recv(65536)
        assert block, received
        received += block
    return received


def exchange(api: RunningAPI, sent: bytes) -> bytes:
    """What the server says to these bytes until it closes the connection."""
    with connection(api) as opened:
        opened.sendall(sent)
        return until_closed(opened)


def head(line: str, *headers: str, version: str = "1.1", host: str = "localhost") -> bytes:
    """A request's head with the token of the tests."""
    lines = [f"{line} HTTP/{version}", f"host: {host}", f"authorization: Bearer {TOKEN}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(path: str, body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """A request with a JSON body, after which the connection is closed unless a header says otherwise."""
    own = ("content-type: application/json", f"content-length: {len(body)}")
    closing = () if any(header.lower().startswith("connection:") for header in headers) else ("connection: close",)
    return head(f"POST {path}", *own, *closing, *headers, version=version) + body


def parts(received: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and what stands after them."""
    text, _, body = received.partition(b"\r\n\r\n")
    line, *fields = text.decode("latin-1").split("\r\n")
    return int(line.split()[1]), dict(field.lower().split(": ", 1) for field in fields), body


def error(received: bytes) -> tuple[int, dict[str, Any]]:
    """Status and the error's object."""
    status, _, body = parts(received)
    found: dict[str, Any] = json.loads(body)["error"]
    return status, found
