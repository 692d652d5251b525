"""Server-sent events as bytes: whole events out of arbitrary reads, what they carry, and events that carry it."""

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json

from api.errors import UpstreamStreamBroken

_LINE_ENDS = tuple((character.encode(), f"\\u{ord(character):04x}".encode()) for character in "\x85\u2028\u2029")


class EventFramer:
    """Whole events out of reads of any size, with `\n` for `\r\n`; what is left at the end was broken off."""

    def __init__(self) -> None:
        # Joined once it is whole: a long event would otherwise be copied and searched with every read.
        self._begun: list[bytes] = []
        self._carriage_return = b""

    def whole(self, read: bytes) -> bytes:
        """The events that are whole with this read: several, one or none."""
        data = read if not self._carriage_return and b"\r" not in read else self._plain(read)
        begun = self._begun
        if (end := data.rfind(b"\n\n")) >= 0:
            end += 2
            end -= self._is_one_too_many(data, end)
        elif begun and data.startswith(b"\n") and begun[-1].endswith(b"\n"):
            end = 1
        else:
            if data:
                begun.append(data)
            return b""
        if not begun and end == len(data):
            return data
        events = b"".join((*begun, data[:end]))
        self._begun = [data[end:]] if end < len(data) else []
        return events

    def _is_one_too_many(self, data: bytes, end: int) -> bool:
        """Blank lines that follow an event go out by twos, so that it is the same where they are cut apart."""
        goes_on = bool(self._begun) and self._begun[-1].endswith(b"\n")
        if data[end - 3 : end] != b"\n\n\n" and not (end == 2 and goes_on):
            return False
        line_ends = end - len(data[:end].rstrip(b"\n"))
        return (line_ends + (goes_on and line_ends == end)) % 2 == 1

    def _plain(self, read: bytes) -> bytes:
        data = self._carriage_return + read
        self._carriage_return = b"\r" if data.endswith(b"\r") else b""
        return data.removesuffix(b"\r").replace(b"\r\n", b"\n")


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
    if json.isascii():
        return json
    for line_end, escaped in _LINE_ENDS:
        json = json.replace(line_end, escaped)
    return json
