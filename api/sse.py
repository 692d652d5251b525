"""Server-sent events as bytes: whole events out of arbitrary reads, what they carry, and events that carry it."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import Any

from pydantic_core import from_json, to_json

from api.errors import UpstreamStreamBroken

_LINE_ENDS = tuple((character.encode(), f"\\u{ord(character):04x}".encode()) for character in "\x85\u2028\u2029")


async def complete_events(reads: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """One or more whole events at a time, as soon as they are whole; a broken-off last one is dropped."""
    begun: list[
        bytes
    ] = []  # joined once it is whole: a long event would otherwise be copied and searched with every read
    async for data in _plain_line_ends(reads):
        if (end := data.rfind(b"\n\n")) >= 0:
            end += 2
        elif begun and begun[-1].endswith(b"\n") and data.startswith(b"\n"):
            end = 1
        else:
            begun.append(data)
            continue
        yield b"".join((*begun, data[:end]))
        begun = [data[end:]] if end < len(data) else []


async def _plain_line_ends(reads: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes with `\\n` for `\\r\\n`, never none at a time."""
    kept = b""
    async for read in reads:
        data = kept + read
        kept = b"\r" if data.endswith(b"\r") else b""
        data = data.removesuffix(b"\r").replace(b"\r\n", b"\n") if b"\r" in data else data
        if data:
            yield data


def payloads(events: bytes) -> Iterator[dict[str, Any]]:
    """The object that each event carries, less the one that is no JSON: `[DONE]`.

    Raises:
        UpstreamStreamBroken: an event carries something else.
    """
    for line in events.split(b"\n"):
        if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
            try:
                payload = from_json(data)
            except ValueError:
                payload = None
            if not isinstance(payload, dict):
                raise UpstreamStreamBroken("LiteLLM sent an event that is no JSON object.")
            yield payload


def event(payload: object, *, name: str | None = None) -> bytes:
    """One event that carries the payload as JSON; `name` must hold no line end."""
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"data: " + on_one_line(to_json(payload)) + b"\n\n"


def on_one_line(json: bytes) -> bytes:
    """The same JSON without the characters that JSON allows as they are, but at which many clients' line readers break lines.

    httpx's `iter_lines` and requests' split as Python's `str.splitlines` does, so text of a tool or a model could start an
    event there, or end the stream. In UTF-8 none of these bytes can be a part of another character.
    """
    for line_end, escaped in _LINE_ENDS:
        json = json.replace(line_end, escaped)
    return json
