"""Compressed bodies: decoded piece by piece, with the limit on what they hold."""

import gzip
import json
import random
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
import respx
from starlette.testclient import TestClient

from api.edge.content_coding import PIECE, CodingTooLarge, decoded
from api.errors import InvalidRequest
from tests.unit_tests.api.conftest import ANSWER, sent_to

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi" * 500}]}
LIMIT = 10_000  # that of the client fixture


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def _two_members(data: bytes) -> bytes:
    return gzip.compress(data[:100]) + gzip.compress(data[100:])


def _two_frames(data: bytes) -> bytes:
    return bytes(zstd.compress(data[:100]) + zstd.compress(data[100:]))


COMPRESS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "GZIP in capitals": ("GZip", gzip.compress),
    "gzip of two members": ("gzip", _two_members),
    "deflate": ("deflate", zlib.compress),
    "deflate without a frame": ("deflate", _raw_deflate),
    "zstd": ("zstd", zstd.compress),
    "zstd of two frames": ("zstd", _two_frames),
    "identity": ("identity", bytes),
    "nothing": ("", bytes),
    "one over the other": ("gzip, zstd", lambda data: bytes(zstd.compress(gzip.compress(data)))),
    "twice the same": ("gzip,identity, gzip", lambda data: gzip.compress(gzip.compress(data))),
}


def _post(client: TestClient, coding: str, content: bytes) -> tuple[int, dict[str, str]]:
    headers = {"content-type": "application/json", "content-encoding": coding}
    response = client.post(CHAT, content=content, headers=headers)
    return response.status_code, response.json().get("error", {}) | dict(response.headers)


@pytest.mark.parametrize("what", COMPRESS)
def test_a_compressed_body_is_the_body(client: TestClient, litellm: respx.Router, what: str) -> None:
    coding, compress = COMPRESS[what]
    asked = litellm.post("/v1/chat/completions").respond(200, json=ANSWER)
    status, _ = _post(client, coding, compress(json.dumps(BODY).encode()))
    assert status == 200
    assert sent_to(asked)["messages"] == BODY["messages"]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/completions", "/v1/embeddings"])
def test_other_paths_read_compressed_bodies_too(client: TestClient, path: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = client.post(path, content=gzip.compress(b"{}"), headers=headers)
    assert response.json()["error"]["code"] == "missing_required_parameter"


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, br", "aws-chunked", "gzip, gzip, gzip, gzip"])
def test_a_coding_that_cannot_be_undone_is_a_415_that_tells_which_can(client: TestClient, coding: str) -> None:
    status, told = _post(client, coding, b"{}")
    assert (status, told["code"], told["param"]) == (415, "unsupported_content_encoding", "Content-Encoding")
    assert "Content-Encoding" in told["message"]
    assert told["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize("what", [name for name in COMPRESS if name not in ("identity", "nothing")])
@pytest.mark.parametrize(
    "broken", [lambda sent: sent[:-5], lambda sent: b"{}" + sent, lambda _sent: b"", lambda _sent: b"{}"]
)
def test_a_stream_that_is_broken_off_or_none_is_a_400(
    client: TestClient, what: str, broken: Callable[[bytes], bytes]
) -> None:
    coding, compress = COMPRESS[what]
    status, told = _post(client, coding, broken(compress(json.dumps(BODY).encode())))
    assert (status, told["code"], told["param"]) == (400, "invalid_content_encoding", "Content-Encoding")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_what_stands_behind_a_stream_is_a_400(client: TestClient, coding: str) -> None:
    status, told = _post(client, coding, COMPRESS[coding][1](b"{}") + b"more")
    assert (status, told["code"]) == (400, "invalid_content_encoding")


def test_a_wrong_checksum_is_a_400(client: TestClient) -> None:
    sent = gzip.compress(json.dumps(BODY).encode())
    status, told = _post(client, "gzip", sent[:-8] + b"\0\0\0\0" + sent[-4:])
    assert (status, told["code"]) == (400, "invalid_content_encoding")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "gzip, zstd"])
def test_the_limit_is_on_what_a_body_holds(client: TestClient, coding: str) -> None:
    compress = COMPRESS["one over the other" if "," in coding else coding][1]
    fits, exceeds = (b"{" + b" " * size + b"}" for size in (LIMIT - 2, LIMIT - 1))
    assert _post(client, coding, compress(fits))[1]["code"] == "missing_required_parameter"
    status, told = _post(client, coding, compress(exceeds))
    assert (status, told["code"], told["connection"]) == (413, "request_too_large", "close")


async def _in_pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def _decoded(data: bytes, *applied: str, size: int = 1000, most: int = 1 << 30) -> bytes:
    return b"".join([piece async for piece in decoded(_in_pieces(data, size), applied, most=most)])


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
@pytest.mark.parametrize(
    "what", ["gzip", "gzip of two members", "deflate", "deflate without a frame", "zstd", "zstd of two frames"]
)
async def test_a_body_may_come_in_any_pieces(what: str, size: int) -> None:
    body = random.Random(1).randbytes(5000) + b"a" * 5000
    coding, compress = COMPRESS[what]
    assert await _decoded(compress(body), coding, size=size) == body


async def _sizes(data: bytes, coding: str, most: int, sizes: list[int]) -> None:
    async for piece in decoded(_in_pieces(data, len(data)), [coding], most=most):
        sizes += [len(piece)]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_unpacked_a_piece_at_a_time_and_no_further_than_the_limit(coding: str) -> None:
    bomb = COMPRESS[coding][1](bytes(64 * 1024 * 1024))
    most = 4 * 1024 * 1024
    sizes: list[int] = []
    tracemalloc.start()
    try:
        with pytest.raises(CodingTooLarge):
            await _sizes(bomb, coding, most, sizes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(sizes) <= PIECE
    assert most < sum(sizes) <= most + PIECE
    assert peak < 8 * PIECE


async def test_a_bomb_within_is_unpacked_no_further_either() -> None:
    """What is left of it when both codings are undone is nothing, but the way there is long."""
    empty_blocks = b"\0\0\0\xff\xff" * 10_000_000
    with pytest.raises(CodingTooLarge):
        await _decoded(zstd.compress(empty_blocks), "deflate", "zstd", most=1024 * 1024)


@pytest.mark.parametrize(("coding", "nothing"), [("gzip", gzip.compress(b"")), ("zstd", bytes(zstd.compress(b"")))])
async def test_many_parts_that_hold_nothing_are_not_worked_through(coding: str, nothing: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await _decoded(nothing * 100_000, coding)


async def test_a_window_larger_than_http_allows_is_refused() -> None:
    """A few bytes would otherwise make this server set 128 MiB aside."""
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    with pytest.raises(InvalidRequest):
        await _decoded(zstd.compress(random.Random(1).randbytes(20_000_000), options=options), "zstd")
