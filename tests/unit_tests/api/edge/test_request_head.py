"""A client that does not end its request's head: told so after REQUEST_HEADER_TIMEOUT, and nobody else is hurried."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.api import TOKEN, RunningAPI, running_api
from tests.support.processes import free_port

LIMIT = 0.5
BEGUN = b"GET /v1/models HTTP/1.1\r\nhost: a"
HEALTH = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAPI]:
    directory = tmp_path_factory.mktemp("head")
    no_servers = directory / "mcp_servers.yaml"
    no_servers.write_text("servers: []\n")
    settings = {"MCP_CONFIG_PATH": str(no_servers), "REQUEST_HEADER_TIMEOUT": str(LIMIT), "REQUEST_BODY_TIMEOUT": "20"}
    with running_api(Path(directory), llm_base_url=f"http://127.0.0.1:{free_port()}", **settings) as api:
        yield api
        assert "Traceback" not in api.log.read_text()


@contextmanager
def _connection(api: RunningAPI) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=20) as connection:
        yield connection


def _until_closed(connection: socket.socket) -> bytes:
    received = b""
    while block := connection.recv(65536):
        received += block
    return received


def _answer(connection: socket.socket) -> bytes:
    received = b""
    while b'"ok"}' not in received:
        received += connection.recv(65536)
    return received


def _assert_is_408(received: bytes) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close" in head
    assert b"\r\nx-request-id: req_" in head
    error = json.loads(body)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "request_timeout")
    assert "REQUEST_HEADER_TIMEOUT" in error["message"]


def test_a_head_that_does_not_end_is_a_408_in_the_apis_own_shape(api: RunningAPI) -> None:
    with _connection(api) as slow:
        slow.sendall(BEGUN)
        began = time.monotonic()
        _assert_is_408(_until_closed(slow))
        assert time.monotonic() - began < 10 * LIMIT


def _trickle(connection: socket.socket) -> None:
    for _ in range(100):
        time.sleep(LIMIT / 5)
        connection.sendall(b"a")


def test_bytes_that_trickle_in_buy_no_time(api: RunningAPI) -> None:
    with _connection(api) as slow:
        slow.sendall(BEGUN)
        with pytest.raises(ConnectionError):
            _trickle(slow)


def test_a_second_request_on_a_connection_has_as_little_time(api: RunningAPI) -> None:
    with _connection(api) as slow:
        slow.sendall(HEALTH)
        assert _answer(slow).startswith(b"HTTP/1.1 200 ")
        slow.sendall(BEGUN)
        _assert_is_408(_until_closed(slow))


def test_blank_lines_before_a_request_buy_no_time(api: RunningAPI) -> None:
    with _connection(api) as slow:
        slow.sendall(HEALTH)
        assert _answer(slow).startswith(b"HTTP/1.1 200 ")
        slow.sendall(b"\r\n")
        assert _until_closed(slow) == b""


def test_a_connection_that_is_never_used_is_closed_without_a_word(api: RunningAPI) -> None:
    with _connection(api) as idle:
        assert _until_closed(idle) == b""


def test_a_connection_may_be_idle_between_two_requests(api: RunningAPI) -> None:
    with _connection(api) as patient:
        for _ in range(2):
            patient.sendall(HEALTH)
            assert _answer(patient).startswith(b"HTTP/1.1 200 ")
            time.sleep(2 * LIMIT)


def test_a_body_may_take_longer_than_a_head(api: RunningAPI) -> None:
    body = b'{"model": 1}'
    head = f"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with _connection(api) as slow:
        slow.sendall(head.encode() + body[:5])
        time.sleep(2 * LIMIT)
        slow.sendall(body[5:])
        assert _until_closed(slow).startswith(b"HTTP/1.1 400 ")


def test_the_rest_of_a_body_that_was_refused_unread_is_not_taken_for_a_head(api: RunningAPI) -> None:
    head = b"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n"
    with _connection(api) as slow:
        slow.sendall(head + b"12345")
        assert slow.recv(65536).startswith(b"HTTP/1.1 401 ")
        slow.sendall(b"67")
        time.sleep(2 * LIMIT)
        slow.sendall(b"890" + HEALTH)
        assert b" 408 " not in _answer(slow)


def test_requests_that_come_together_are_all_answered_before_the_one_that_does_not_end(api: RunningAPI) -> None:
    with _connection(api) as eager:
        eager.sendall(HEALTH * 3 + BEGUN)
        received = _until_closed(eager)
    assert received.count(b"HTTP/1.1 200 ") == 3
    _assert_is_408(received[received.index(b"HTTP/1.1 408 ") :])
