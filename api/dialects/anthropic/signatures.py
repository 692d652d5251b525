"""What was thought and found, where a provider would sign: clients send a thinking block back as it came.

Whatever comes back may be damaged or made up, so it is only ever read as something that was said.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable
from typing import Final

from api.protocol import OUR_SIGNATURE

SIGNATURES_LONGEST: Final = 30_000  # characters, of all signatures of one answer
_LARGEST: Final = (
    1_000_000  # bytes of what one may hold: a few of them can be packed into more than a server has room for
)


def signed(versions: Iterable[str], room: int) -> str:
    """A signature of at most `room` characters that holds the first of these ever shorter texts that fits, or else none."""
    for text in versions:
        packed = base64.b64encode(zlib.compress(text.encode(errors="replace"), 9)).decode()
        if len(OUR_SIGNATURE) + len(packed) <= room:
            return OUR_SIGNATURE + packed
    return OUR_SIGNATURE


def is_ours(signature: object) -> bool:
    """Did this server write it, or somebody who says so?"""
    return isinstance(signature, str) and signature.startswith(OUR_SIGNATURE)


def text_of(signature: str, shown: str) -> str:
    """What a signature of ours holds; `shown` is what stands beside it, which is all there is if it holds nothing.

    Empty if it is damaged.
    """
    packed = signature.removeprefix(OUR_SIGNATURE)
    if not packed:
        return shown
    if len(packed) > SIGNATURES_LONGEST:
        return ""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(base64.b64decode(packed, validate=True), _LARGEST).decode()
    except (binascii.Error, zlib.error, ValueError):
        return ""
    return text if unpacking.eof else ""
