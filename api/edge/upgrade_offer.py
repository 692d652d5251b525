"""A client's offer to speak another protocol, taken out of its request: a server may ignore it (RFC 9110, 7.8).

The parser takes whatever follows such a head for the other protocol, so the body of the request would be lost. Stock Java
clients send one with every first request.
"""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

_OFFERS = frozenset({b"upgrade", b"http2-settings"})


def head_without_offer(method: bytes, url: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """The head of the request as it would be without its offer; header names are lower case."""
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    lines += [b"%s: %s" % header for header in map(_without_offer, headers) if header is not None]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _without_offer(header: Header) -> Header | None:
    name, value = header
    if name != b"connection":
        return None if name in _OFFERS else header
    kept = [option for option in value.split(b",") if option.strip().lower() not in _OFFERS]
    return (name, b",".join(kept)) if kept else None
