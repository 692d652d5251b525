"""HTTP as real clients speak it, over bare sockets: offers to upgrade, HTTP/1.0, a body that waits to be asked for, codings."""

import gzip
import json
import socket
import zlib
from collections.abc import Callable

import httpx
import pytest

from tests.support import wire
from tests.support.api import RunningAPI
from tests.support.provider import ScriptedProvider

CHAT = "/v1/chat/completions"
OFFERS = {
    "curl --http2": ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "Java's HttpClient": ("Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAEAAEAA", "Upgrade: h2c"),
    "WebSocket": ("connection: keep-alive, Upgrade", "upgrade: websocket", "sec-websocket-version: 13"),
    "two headers": ("connection: upgrade", "connection: close", "upgrade: TLS/1.0, h2c"),
}
PATHS = [CHAT, "/v1/responses", "/v1/completions", "/v1/embeddings"]


def _body(mark: str, **more: object) -> bytes:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": mark}], "input": mark, "prompt": mark}
    return json.dumps(asked | more).encode()


def _with_length(path: str, body: bytes, *headers: str) -> bytes:
    content = ("content-type: application/json", f"content-length: {len(body)}")
    return wire.head(f"POST {path}", *content, *headers) + body


def _chunked(path: str, body: bytes, *headers: str) -> bytes:
    content = ("content-type: application/json", "transfer-encoding: chunked")
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:]))
    return wire.head(f"POST {path}", *content, *headers) + pieces + b"0\r\n\r\n"


@pytest.mark.parametrize("send", [_with_length, _chunked])
@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_to_upgrade_is_ignored_and_the_request_answered(
    api: RunningAPI,
    provider: ScriptedProvider,
    mark: str,
    offer: str,
    send: Callable[..., bytes],
) -> None:
    with wire.connection(api) as opened:
        opened.sendall(send(CHAT, _body(mark), *OFFERS[offer]))
        status, headers, _ = wire.parts(wire.until(opened, b'"usage"'))
    assert (status, "upgrade" in headers) == (200, False)
    assert provider.requests(contains=mark)


@pytest.mark.parametrize("path", PATHS)
def test_an_offer_beside_any_path_leaves_its_body_whole(api: RunningAPI, path: str) -> None:
    """Each names what it misses of its body, which it has read."""
    sent = _with_length(path, b'{"stream": 1}', *OFFERS["curl --http2"])
    with wire.connection(api) as opened:
        opened.sendall(sent)
        status, error = wire.error(wire.until(opened, b"}}"))
    assert (status, error["code"] in ("missing_required_parameter", "invalid_type")) == (400, True)


def test_a_body_that_comes_after_the_offer_is_not_lost(api: RunningAPI, mark: str) -> None:
    sent = _with_length(CHAT, _body(mark), *OFFERS["curl --http2"])
    with wire.connection(api) as opened:
        for byte in (sent[i : i + 1] for i in range(len(sent))):
            opened.sendall(byte)
        assert wire.until(opened, b'"usage"').startswith(b"HTTP/1.1 200 ")


def test_requests_with_and_without_an_offer_share_a_connection(api: RunningAPI, mark: str) -> None:
    offer = OFFERS["Java's HttpClient"]
    sent = [_with_length(CHAT, _body(mark), *offer), wire.head("GET /health"), _chunked(CHAT, _body(mark), *offer)]
    with wire.connection(api) as opened:
        opened.sendall(b"".join(sent) + wire.head("GET /health", "connection: close"))
        received = wire.until_closed(opened)
    assert [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 4


def test_a_get_with_an_offer_of_websocket_is_answered_as_a_get(api: RunningAPI) -> None:
    received = wire.exchange(api, wire.head("GET /health", "connection: Upgrade, close", "upgrade: websocket"))
    assert wire.parts(received)[0] == 200


@pytest.mark.parametrize("mode", ["passthrough", "reasoning"])
def test_a_stream_to_an_http_1_0_client_has_no_chunks_and_ends_with_its_connection(
    api: RunningAPI, mark: str, mode: str
) -> None:
    body = _body(mark, stream=True)
    received = wire.exchange(api, wire.post(CHAT, body, f"x-routing-mode: {mode}", version="1.0"))
    status, headers, events = wire.parts(received)
    assert (status, headers["connection"]) == (200, "close")
    assert "transfer-encoding" not in headers
    assert events.startswith(b"data: {")
    assert events.endswith(b"data: [DONE]\n\n")


def test_a_plain_answer_to_an_http_1_0_client_without_a_host_has_its_length(api: RunningAPI) -> None:
    received = wire.exchange(api, b"GET /health HTTP/1.0\r\n\r\n")
    status, headers, body = wire.parts(received)
    assert (status, int(headers["content-length"])) == (200, len(body))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 200),
        (("content-type: text/plain",), 415),
        (("authorization: Bearer wrong",), 401),
        (("content-length: 99999999999",), 413),
    ],
    ids=["good", "another type", "no token", "too large"],
)
def test_a_body_that_waits_is_asked_for_only_if_it_is_wanted(
    api: RunningAPI, mark: str, headers: tuple[str, ...], status: int
) -> None:
    body = _body(mark)
    own = {"host": "localhost", "expect": "100-continue", "content-type": "application/json"}
    own |= {"content-length": str(len(body)), **api.headers} | dict(header.split(": ") for header in headers)
    head = "\r\n".join([f"POST {CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())])
    with wire.connection(api) as opened:
        opened.sendall(head.encode() + b"\r\n\r\n")
        if status == 200:
            assert wire.until(opened, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            opened.sendall(body)
        told, answer, _ = wire.parts(wire.until_closed(opened))
    assert (told, answer["connection"]) == (status, "close")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_client_that_sends_a_body_that_is_too_large_before_it_reads_gets_its_answer(
    api: RunningAPI, version: str
) -> None:
    content = ("content-type: application/json", "content-length: 99999999999")
    with wire.connection(api) as opened:
        opened.sendall(wire.head(f"POST {CHAT}", *content, version=version) + b" " * 1_500_000)
        status, headers, body = wire.parts(wire.until_closed(opened))
    assert (status, headers["connection"], json.loads(body)["error"]["code"]) == (413, "close", "request_too_large")


def test_an_http_1_0_client_that_waits_is_told_no_100(api: RunningAPI, mark: str) -> None:
    received = wire.exchange(api, wire.post(CHAT, _body(mark), "expect: 100-continue", version="1.0"))
    assert wire.parts(received)[0] == 200


def test_the_openai_sdks_client_may_compress(api: RunningAPI, provider: ScriptedProvider, mark: str) -> None:
    for coding, compress in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        answer = httpx.post(
            f"{api.url}{CHAT}",
            content=compress(_body(mark + coding)),
            headers={**api.headers, "content-type": "application/json", "content-encoding": coding},
            trust_env=False,
        )
        assert answer.status_code == 200
        assert provider.requests(contains=mark + coding)


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "/v1//chat/completions", "//v1/chat/completions//"])
def test_a_slash_too_many_is_served_and_traced_as_without(api: RunningAPI, mark: str, path: str) -> None:
    status, headers, _ = wire.parts(wire.exchange(api, wire.post(path, _body(mark))))
    assert (status, "location" in headers) == (200, False)
    assert headers["x-trace-id"]


def test_what_is_left_of_a_body_that_was_refused_does_not_disturb_the_next_request(api: RunningAPI) -> None:
    refused = b"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000
    with wire.connection(api) as opened:
        opened.sendall(refused + wire.head("GET /health", "connection: close"))
        received = wire.until_closed(opened)
    assert [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"401", b"200"]


def test_a_request_that_is_given_up_leaves_the_server_well(api: RunningAPI) -> None:
    with wire.connection(api) as opened:
        opened.sendall(_with_length(CHAT, _body("x"), *OFFERS["WebSocket"])[:-3])
        opened.shutdown(socket.SHUT_WR)
    assert httpx.get(f"{api.url}/health", trust_env=False).status_code == 200
