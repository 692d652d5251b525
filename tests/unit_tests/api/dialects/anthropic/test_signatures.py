"""What a signature of ours holds."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dialects.anthropic.signatures import is_ours, signed, text_of


@given(st.text(min_size=1))
def test_what_is_kept_is_read_again(text: str) -> None:
    signature = signed([text], 30_000)
    assert is_ours(signature)
    assert text_of(signature, "shown") == text.encode(errors="replace").decode()


def test_the_longest_version_that_fits_is_kept() -> None:
    long, short = "".join(map(chr, range(0x4E00, 0x5E00))), "short"
    assert text_of(signed([long, short], 100), "") == short
    assert text_of(signed([long, short], 30_000), "") == long


def test_where_nothing_fits_what_was_shown_is_all_there_is() -> None:
    assert text_of(signed(["text"], 5), "shown") == "shown"


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(b"a" * 2_000_000),
        zlib.compress(b"abc")[:-1],
        zlib.compress(b"\xff\xfe"),
        b"abc",
    ],
    ids=["a bomb", "cut off", "no text", "not packed"],
)
def test_what_is_damaged_says_nothing(packed: bytes) -> None:
    assert text_of("raa1." + base64.b64encode(packed).decode(), "shown") == ""


@pytest.mark.parametrize("signature", ["EqQB", None, 5, ""])
def test_others_sign_otherwise(signature: object) -> None:
    assert not is_ours(signature)
