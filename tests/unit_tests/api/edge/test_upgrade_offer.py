"""A head without its offer to upgrade: everything else of it stays as it was."""

import pytest

from api.edge.upgrade_offer import head_without_offer


def _told(*headers: tuple[bytes, bytes]) -> list[bytes]:
    head = head_without_offer(b"POST", b"/v1?x=%20", "1.1", headers)
    assert head.endswith(b"\r\n\r\n")
    line, *told = head[:-4].split(b"\r\n")
    assert line == b"POST /v1?x=%20 HTTP/1.1"
    return told


def test_the_offer_and_its_settings_are_left_out() -> None:
    assert _told((b"upgrade", b"h2c"), (b"host", b"a"), (b"http2-settings", b"AAM"), (b"x-a", b"b: c")) == [
        b"host: a",
        b"x-a: b: c",
    ]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"Upgrade", []),
        (b"Upgrade, HTTP2-Settings", []),
        (b"keep-alive, Upgrade", [b"connection: keep-alive"]),
        (b"close,upgrade", [b"connection: close"]),
        (b"close", [b"connection: close"]),
    ],
)
def test_what_else_is_said_of_the_connection_is_kept(sent: bytes, told: list[bytes]) -> None:
    assert _told((b"connection", sent)) == told
