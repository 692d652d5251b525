"""What no client should send, over bare sockets: a clear error, never a 500, and the server goes on."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.instance import Instance
from tests.integration_tests.contract.conftest import without_tools
from tests.integration_tests.contract.wire import Wire
from tests.support.api import TOKEN, RunningAPI, running_api

GOOD = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def strict(stack: Instance, directory: Path, secrets: dict[str, str]) -> Iterator[RunningAPI]:
    """An API that waits for little and accepts little."""
    limits = {"REQUEST_BODY_TIMEOUT": "0.5", "MAX_REQUEST_BYTES": "100000"}
    tools = {"MCP_CONFIG_PATH": str(without_tools(directory))}
    url, key = stack.url("litellm"), secrets["LITELLM_TEST_KEY"]
    with running_api(directory, llm_base_url=url, llm_api_key=key, **limits, **tools) as api:
        yield api
        assert api.process.poll() is None
        assert "Traceback" not in api.log.read_text()


def _received(api: RunningAPI, sent: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    with socket.create_connection(("127.0.0.1", int(api.url.rsplit(":", 1)[1])), timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


def _head(line: str, *headers: str) -> bytes:
    lines = [f"{line} HTTP/1.1", "host: localhost", f"authorization: Bearer {TOKEN}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _post(body: bytes, *headers: str, declared: int | None = None) -> bytes:
    length = f"content-length: {len(body) if declared is None else declared}"
    content = "content-type: application/json"
    return _head("POST /v1/chat/completions", content, length, "connection: close", *headers) + body


def _answer(received: bytes) -> tuple[int, str]:
    """Status and the error's code."""
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


def _with_content(content: bytes) -> bytes:
    return b'{"model": "gpt-4o", "messages": [{"role": "user", "content": ' + content + b"}]}"


BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "invalid_json"),
    "no JSON": (b"model=gpt-4o", 400, "invalid_json"),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "invalid_json"),
    "invalid UTF-8": (_with_content(b'"\xff\xfe"'), 400, "invalid_json"),
    "half a surrogate pair": (_with_content(b'"\\ud800"'), 400, "invalid_json"),
    "NaN": (b'{"model": "gpt-4o", "temperature": NaN}', 400, "invalid_json"),
    "Infinity": (b'{"model": "gpt-4o", "temperature": -Infinity}', 400, "invalid_json"),
    "a number beyond any float": (b'{"model": "gpt-4o", "temperature": 1e999}', 400, "invalid_json"),
    "an integer of 5000 digits": (b'{"model": "gpt-4o", "seed": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
    "deep nesting": (_with_content(b"[" * 20_000 + b"]" * 20_000), 400, "invalid_json"),
    "unfinished nesting": (b"[" * 50_000, 400, "invalid_json"),
    "a list": (b"[]", 400, "invalid_type"),
    "too much": (b" " * 100_001, 413, "request_too_large"),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_cannot_be_read_is_a_clear_error(strict: RunningAPI, what: str) -> None:
    body, status, code = BODIES[what]
    assert _answer(_received(strict, _post(body))) == (status, code)


def test_a_body_beyond_the_limit_is_refused_though_no_length_was_declared(strict: RunningAPI) -> None:
    head = _head("POST /v1/chat/completions", "content-type: application/json", "transfer-encoding: chunked")
    chunk = b"%x\r\n" % 60_000 + b" " * 60_000 + b"\r\n"
    assert _answer(_received(strict, head + chunk * 2)) == (413, "request_too_large")


@pytest.mark.parametrize("sent", [b"", b"{"], ids=["nothing", "a beginning"])
def test_a_body_that_does_not_come_is_a_408(strict: RunningAPI, sent: bytes) -> None:
    assert _answer(_received(strict, _post(sent, declared=100))) == (408, "request_timeout")


def test_a_body_that_was_refused_unread_and_does_not_come_keeps_no_connection(strict: RunningAPI) -> None:
    refused = b"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n"
    assert _received(strict, refused).split()[1] == b"401"


@pytest.mark.parametrize(
    "headers", [["x-big: " + "a" * 1_000_000], [f"x-{place}: y" for place in range(50_000)]], ids=["one", "many"]
)
def test_a_megabyte_of_headers_is_a_431(strict: RunningAPI, headers: list[str]) -> None:
    assert _answer(_received(strict, _head("GET /v1/models", *headers)))[0] == 431


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_a_415(strict: RunningAPI, content_type: str) -> None:
    head = _head("POST /v1/chat/completions", f"content-type: {content_type}", "content-length: 2", "connection: close")
    assert _answer(_received(strict, head + b"{}")) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["OPTIONS", "DELETE", "PUT", "PATCH", "TRACE"])
def test_a_method_that_is_not_there_is_a_405(strict: RunningAPI, method: str) -> None:
    assert _answer(_received(strict, _head(f"{method} /v1/models", "connection: close"))) == (405, "method_not_allowed")


def test_head_is_answered_without_a_body(strict: RunningAPI) -> None:
    received = _received(strict, _head("HEAD /v1/chat/completions", "connection: close"))
    assert (received.split()[1], received.partition(b"\r\n\r\n")[2]) == (b"405", b"")


def test_an_unknown_query_changes_nothing(strict: RunningAPI) -> None:
    received = _received(strict, _head("GET /v1/models?api-version=1&x=%ff&y[]", "connection: close"))
    assert received.split()[1] == b"200"


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_no_request_is_a_400(strict: RunningAPI, garbage: bytes) -> None:
    assert _answer(_received(strict, garbage)) == (400, "invalid_http")


def test_a_megabyte_of_path_is_a_431(strict: RunningAPI) -> None:
    head = b"GET /v1/" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n"
    assert _answer(_received(strict, head)) == (431, "request_header_fields_too_large")


def test_a_chunked_body_is_read(strict: RunningAPI) -> None:
    head = _head(
        "POST /v1/chat/completions", "content-type: application/json", "transfer-encoding: chunked", "connection: close"
    )
    body = json.dumps(GOOD).encode()
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:9], body[9:]))
    assert _received(strict, head + pieces + b"0\r\n\r\n").split()[1] == b"200"


def test_pipelined_requests_are_answered_in_turn(strict: RunningAPI) -> None:
    body = json.dumps(GOOD).encode()
    head = _head("POST /v1/chat/completions", "content-type: application/json", f"content-length: {len(body)}")
    unknown = _head("GET /v1/models/no-such-model", "connection: close")
    received = _received(strict, head + body + head + body + unknown)
    statuses = [part.split()[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]


def test_a_client_that_never_ends_its_headers_keeps_nobody_waiting(strict: RunningAPI) -> None:
    with socket.create_connection(("127.0.0.1", int(strict.url.rsplit(":", 1)[1]))) as slow:
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a")
        assert _received(strict, _post(json.dumps(GOOD).encode())).split()[1] == b"200"


@pytest.mark.parametrize("kind", ["", "input_text", "tool_result", "thinking", "of_tomorrow"])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_part_of_a_kind_that_is_not_known_is_a_400(wire: Wire, kind: str, model: str, *, stream: bool) -> None:
    """A client that sends another API's parts is told of them, and not that the server failed."""
    messages = [{"role": "user", "content": [{"type": kind, "text": "hello"}]}]
    response = wire.ask(model=model, messages=messages, stream=stream)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, "messages", "invalid_value")
    assert "Known are text, image_url" in error["message"]
