"""What a connection without a token can make the server hold: bounded, and nobody else waits for it."""

import itertools
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from tests.support import wire
from tests.support.api import RunningAPI

LIMIT = 64 * 1024
# What a refused client may still send before its connection is closed, and what both ends' kernels hold on the way.
ON_THE_WAY = 24 * 1024 * 1024
A_BLOCK = b"a" * 65536
BEGUN = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = BEGUN + b"content-type: application/json\r\ntransfer-encoding: chunked\r\n"

ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a request line": (b"GET /", A_BLOCK),
    "a method": (b"", A_BLOCK),
    "the name of a header": (BEGUN + b"x-", A_BLOCK),
    "the value of a header": (BEGUN + b"x-a: ", A_BLOCK),
    "headers": (BEGUN, b"x-a: b\r\n" * 8192),
    "headers of HTTP/1.0": (BEGUN.replace(b"1.1", b"1.0"), b"x-a: b\r\n" * 8192),
    "a second request's head": (b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nx-a: ", A_BLOCK),
    "a pipelined request's head": (b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" * 9 + b"GET /", A_BLOCK),
    "blank lines": (b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n", b"\r\n" * 32768),
}
WITH_TOKEN: dict[str, tuple[bytes, bytes]] = {
    "a chunk's extension": (b"5;", A_BLOCK),
    "many chunks' extensions": (b"", b"1;" + b"x" * 8000 + b"\r\n \r\n"),
    "trailers": (b"1\r\n{\r\n0\r\n", b"x-a: b\r\n" * 8192),
    "the value of a trailer": (b"1\r\n{\r\n0\r\nx-a: ", A_BLOCK),
}


def _memory(api: RunningAPI) -> int:
    return int(psutil.Process(api.process.pid).memory_info().rss)


def _send_until_closed(opened: socket.socket, begun: bytes, block: bytes) -> int:
    """How many bytes could be sent before the connection was closed."""
    sent = 0
    try:
        for sending in itertools.chain([begun], itertools.repeat(block)):
            opened.sendall(sending)
            sent += len(sending)
            assert sent < 20 * ON_THE_WAY
    except OSError:
        pass
    return sent


def _last_answer(opened: socket.socket) -> bytes:
    """A reset takes nothing away that had arrived."""
    received = b""
    try:
        while block := opened.recv(65536):
            received += block
    except OSError:
        pass
    return received[received.rindex(b"HTTP/1.1 ") :]


@contextmanager
def _someone_else(api: RunningAPI) -> Iterator[list[float]]:
    """Another client that asks all the while; how long each of its answers took."""
    took: list[float] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            began = time.monotonic()
            assert client.get(f"{api.url}/health").status_code == 200
            took.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    with httpx.Client(trust_env=False) as client:
        asking.start()
        try:
            yield took
            while not took:
                time.sleep(0.01)
        finally:
            enough.set()
            asking.join()


@pytest.mark.parametrize("what", ENDLESS)
def test_a_head_without_end_is_refused_while_it_comes_and_costs_no_memory(api: RunningAPI, what: str) -> None:
    before = _memory(api)
    with _someone_else(api) as took, wire.connection(api) as attacker:
        sent = _send_until_closed(attacker, *ENDLESS[what])
        answer = _last_answer(attacker)
    assert sent < ON_THE_WAY
    assert _memory(api) - before < 8 * 1024 * 1024
    assert max(took) < 1
    status, error = wire.error(answer)
    # No method is that long, so the parser ends that one with its first bytes.
    assert (status, error["code"]) == (
        (400, "invalid_http") if what == "a method" else (431, "request_header_fields_too_large")
    )


@pytest.mark.parametrize("what", WITH_TOKEN)
def test_framing_without_end_is_refused_while_it_comes(api: RunningAPI, what: str) -> None:
    begun, block = WITH_TOKEN[what]
    token = f"authorization: {api.headers['authorization']}\r\n\r\n".encode()
    before = _memory(api)
    with _someone_else(api) as took, wire.connection(api) as attacker:
        sent = _send_until_closed(attacker, CHUNKED + token + begun, block)
        answer = _last_answer(attacker)
    assert sent < ON_THE_WAY
    assert _memory(api) - before < 8 * 1024 * 1024
    assert max(took) < 1
    assert wire.error(answer)[0] == 431


def test_a_head_just_below_the_limit_is_served_and_one_above_it_is_a_431(api: RunningAPI) -> None:
    for size, status in ((LIMIT - 1024, 200), (LIMIT + 1024, 431)):
        sent = wire.head("GET /health", "connection: close", f"x-a: {'a' * size}")
        assert wire.parts(wire.exchange(api, sent))[0] == status


def test_a_client_that_sends_a_megabyte_of_headers_before_it_reads_gets_its_answer(api: RunningAPI) -> None:
    status, headers, body = wire.parts(wire.exchange(api, BEGUN + b"x-a: " + b"a" * 1_000_000 + b"\r\n\r\n"))
    assert (status, headers["connection"]) == (431, "close")
    assert headers["x-request-id"].startswith("req_")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


def test_what_was_asked_before_a_head_without_end_is_answered_first(api: RunningAPI) -> None:
    health = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    received = wire.exchange(api, health * 3 + b"GET / HTTP/1.1\r\nx-a: " + b"a" * 500_000)
    statuses = [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"431"]


def test_garbage_behind_a_request_does_not_get_into_its_answer(api: RunningAPI) -> None:
    received = wire.exchange(api, wire.head("GET /v1/nowhere") + b"\x00\x01\x02 nonsense\r\n\r\n")
    statuses = [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"404", b"400"]
    assert json.loads(received.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_http"


def test_a_body_that_is_refused_before_it_is_asked_for_is_not_asked_for(api: RunningAPI) -> None:
    sent = wire.head(
        *("POST /v1/chat/completions", "content-type: application/json", "transfer-encoding: chunked"),
        "expect: 100-continue",
    )
    received = wire.exchange(api, sent + b"no size\r\n")
    assert wire.parts(wire.exchange(api, wire.head("GET /health", "connection: close")))[0] == 200
    assert [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"400"]
    assert "write_eof" not in api.log.read_text()


def test_a_trailer_is_no_header(api: RunningAPI) -> None:
    """Or a body could bring along what its head was checked for."""
    body = b"2\r\n{}\r\n0\r\nx-routing-mode: nonsense\r\n\r\n"
    sent = wire.head("POST /v1/chat/completions", "content-type: application/json", "transfer-encoding: chunked")
    with wire.connection(api) as opened:
        opened.sendall(sent + body)
        assert b"Missing required parameter" in wire.until(opened, b"}}")


def test_the_framing_of_a_body_in_chunks_of_one_byte_is_no_attack(api: RunningAPI) -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b"{" + b" " * 30_000 + b"}") + b"0\r\n\r\n"
    sent = wire.head(
        "POST /v1/chat/completions",
        "content-type: application/json",
        "transfer-encoding: chunked",
        "connection: close",
    )
    assert wire.error(wire.exchange(api, sent + body))[1]["code"] == "missing_required_parameter"


def test_a_body_that_unpacks_to_more_than_the_limit_keeps_nobody_waiting(api: RunningAPI) -> None:
    bomb = zlib.compress(bytes(400 * 1024 * 1024), 9)
    headers = {**api.headers, "content-type": "application/json", "content-encoding": "deflate"}
    with _someone_else(api) as took:
        answer = httpx.post(
            f"{api.base_url}/chat/completions", content=bomb, headers=headers, trust_env=False, timeout=60
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert max(took) < 1
