"""What to send over a bare socket: requests made of parts that each may be wrong, then bytes changed at random."""

import random
from dataclasses import dataclass
from itertools import pairwise

MOST_PIECES = 12
_METHODS = (
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"CONNECT",
    b"TRACE",
    b"PRI",
    b"get",
    b"",
    b"G\x00T",
    b"POST\t",
    b"A" * 300,
)
_TARGETS = (
    *(
        b"/health",
        b"/v1/models",
        b"/v1/chat/completions",
        b"/v1/chat/completions",
        b"/v1/responses",
        b"/v1/messages",
        b"/openapi.json",
    ),
    *(
        b"/",
        b"*",
        b"//health",
        b"/../health",
        b"/%00",
        b"/%ff%fe",
        b"/v1/models/%2e%2e",
        b"/v1/models/\xff",
        b"/a b",
        b"?",
        b"",
    ),
    *(
        b"http://127.0.0.1/health",
        b"http://[",
        b"127.0.0.1:1",
        b"/health?" + b"a=b&" * 999,
        b"/health#x",
        b"/metrics",
        b"/docs",
    ),
    *(
        b"/v1/models/" + b"m" * 30_000,
        b"/v1/models/gpt-4o%0d%0ax:y",
        b"/tools",
        b"/health/ready",
        b"/v1/chat/completions/",
    ),
)
_VERSIONS = (
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.",
    b"http/1.1",
    b"",
    b"HTTP/9.9",
)
_LINES = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n")
_HEADERS = (
    *(
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: +3",
    ),
    *(
        b"Content-Length: 1e3",
        b"Content-Length: 4, 4",
        b"Content-Length : 3",
        b"Content-Length: 1000000",
        b"Content-Length: \xb2",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: x",
    ),
    *(
        b"Transfer-Encoding:\tchunked",
        b"Transfer-Encoding: \x0bchunked",
        b"Connection: close",
        b"Connection: keep-alive, upgrade",
    ),
    *(
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"Upgrade: websocket",
    ),
    *(
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: x",
        b"Upgrade: \xff",
    ),
    *(
        b"Expect: 100-continue",
        b"Expect: x",
        b"Trailer: Content-Length",
        b"TE: trailers",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br",
    ),
    *(
        b"Content-Encoding: deflate, gzip",
        b"Content-Type: application/json",
        b"Content-Type: \xff\xfe",
        b"Host: evil.example",
        b"Host:",
    ),
    *(
        b"Host: [::1",
        b"Host: 127.0.0.1:99999",
        b"Host: a\x00b",
        b"Host: a, b",
        b"Authorization: Bearer \xc3\x28",
        b"X: " + b"a" * 70_000,
    ),
    *(
        b"X-\x00: a",
        b": a",
        b"no colon",
        b" folded: a",
        b"\tfolded",
        b"X-Forwarded-For: 1.2.3.4",
        b"Cookie: " + b"a=b;" * 3000,
    ),
    *(
        b"X-Routing-Mode: reasoning",
        b"X-Routing-Mode: auto",
        b"X-Session-ID: \x7f",
        b"Range: bytes=0-",
        b"traceparent: 00-\xff",
    ),
)
_BODY = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "stream": %s}'
_CHUNKS = (
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"-1\r\n",
    b'5;a="b\r\n"\r\nhello\r\n',
    b"\r\n",
    b"g\r\n",
)
_BYTES = (
    b"\x00",
    b"\r",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xed\xa0\x80",
    b" ",
    b"\t",
    b":",
    b"%",
    b"\x7f",
    b"0",
    b"-",
    b"\x16\x03\x01",
)
_NO_HTTP = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /health HTTP/1.1\r\n\r\n",
    b"\x00" * 5000,
    b"\r\n" * 5000,
)


@dataclass(frozen=True)
class SocketInput:
    """What goes over one connection. `pause` is in seconds between pieces; `patient`: the client waits for the end."""

    pieces: list[bytes]
    pause: float
    half_close: bool
    patient: bool

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


def socket_input(rng: random.Random, token: str) -> SocketInput:
    """One connection's worth, of up to three requests."""
    data = b"".join(_request(rng, token.encode()) for _ in range(rng.choice((1, 1, 1, 1, 2, 3))))
    if rng.random() < 0.03:
        data = rng.choice((*_NO_HTTP, rng.randbytes(rng.randrange(1, 2000))))
    if rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 2, 4))):
            data = _mutated(rng, data)
    data = data or b"\x00"
    slow = rng.random() < 0.05
    return SocketInput(
        _pieces(rng, data), rng.uniform(0, 0.05) if slow else 0.0, rng.random() < 0.25, rng.random() < 0.01
    )


def _request(rng: random.Random, token: bytes) -> bytes:
    end = rng.choice(_LINES) if rng.random() < 0.1 else b"\r\n"
    plain = rng.random() < 0.5
    method, target = rng.choice(((b"GET", b"/health"), (b"POST", b"/v1/chat/completions"), (b"GET", b"/v1/models")))
    if not plain:
        method, target = rng.choice(_METHODS), rng.choice(_TARGETS)
    version = b"HTTP/1.1" if plain else rng.choice(_VERSIONS)
    lines = [b" ".join((method, target, version)), b"Host: 127.0.0.1", b"Authorization: Bearer " + token]
    lines += [rng.choice(_HEADERS) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 6)))]
    if rng.random() < 0.01:
        lines += [b"X-%d: y" % number for number in range(3000)]
    body = _framed(rng, lines) if method == b"POST" or rng.random() < 0.1 else b""
    return end.join([*lines, b"", b""]) + body


def _framed(rng: random.Random, lines: list[bytes]) -> bytes:
    """A body that may be framed as its head says. Adds to the lines what the head would say."""
    body = _BODY % rng.choice((b"false", b"true", b"1", b"\xff"))
    if rng.random() < 0.02:
        body = b"[" * rng.randrange(1, 500_000)
    lines.append(b"Content-Type: application/json")
    if rng.random() < 0.6:
        lines.append(b"Content-Length: %d" % (len(body) + rng.choice((0, 0, 0, 0, 1, -1, 7, -7))))
        return body
    lines.append(b"Transfer-Encoding: chunked")
    cut = rng.randrange(len(body))
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:cut], body[cut:]) if piece)
    return framed + rng.choice((b"0\r\n\r\n", *_CHUNKS))


def _mutated(rng: random.Random, data: bytes) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    near = data[first : min(last, first + 200)]
    return rng.choice(
        (
            data[:first],
            data[:first] + data[min(last, first + 8) :],
            data[:first] + rng.choice(_BYTES) + data[first:],
            data[:first] + rng.randbytes(1) + data[first + 1 :],
            data[:last] + near * rng.choice((1, 2, 50)) + data[last:],
            data[:first] + rng.choice(_BYTES) * rng.choice((10, 1000, 30_000)) + data[first:],
            data[:first] + rng.choice(_CHUNKS) + data[last:],
        )
    )


def _pieces(rng: random.Random, data: bytes) -> list[bytes]:
    if rng.random() < 0.5:
        return [data]
    cuts = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, MOST_PIECES)))})
    return [data[start:end] for start, end in pairwise(cuts)]
