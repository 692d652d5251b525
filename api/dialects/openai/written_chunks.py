"""The chunks of a stream as bytes. Most say one more piece of text in what is otherwise the chunk before: in such the text alone
is put into what was written last, and nothing is parsed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from api.dialects.openai.chunk_stream import ChunkStream
from api.dialects.openai.streams import DONE, error_event
from api.errors import APIError
from api.sse import event, on_one_line

Chunk = dict[str, Any]
# The inside of a JSON string, but for \u, which may be half a character.
_TEXT: Final = rb'(?:[^"\\\x00-\x1f]++|\\[bfnrt/"\\])++'
_IS_TEXT: Final = re.compile(_TEXT)
_SAID: Final = {name: re.compile(rb'"%s"\s*:\s*"(%s)"' % (name, _TEXT)) for name in (b"content", b"text")}
_NO_USAGE: Final = re.compile(rb'"usage"\s*:\s*null')


@dataclass(frozen=True, slots=True)
class _Form:
    """What stands around a text, as it came and as it is written."""

    head: bytes
    tail: bytes
    written_head: bytes
    written_tail: bytes

    def filled(self, happened: bytes) -> tuple[bytes, bytes] | None:
        """The text and the event as it is written; None if this is another kind of event."""
        if not (happened.startswith(self.head) and happened.endswith(self.tail)):
            return None
        text = happened[len(self.head) : -len(self.tail)]
        if not _IS_TEXT.fullmatch(text) or not _is_utf_8(text):
            return None
        return text, self.written_head + on_one_line(text) + self.written_tail


class WrittenChunks:
    """A reader of a stream that gives bytes. `seen` is shown each chunk, or the text that was put into the last one's form."""

    keepalive: Final = None
    closing: Final = DONE

    def __init__(
        self, chunks: ChunkStream, seen: Callable[[Chunk], None], seen_text: Callable[[str], None] | None
    ) -> None:
        self._chunks = chunks
        self._seen = seen
        self._seen_text = seen_text
        self._form: _Form | None = None

    def take(self, events: bytes) -> Iterator[bytes]:
        """As `ChunkStream.take`."""
        if self._form is not None and (filled := self._filled(self._form, events)) is not None:
            yield filled
            return
        self._form = None
        for chunks in self._chunks.take(events):
            yield (written := self._written(chunks))
            if len(chunks) == 1 and self._chunks.is_open:
                self._form = _form_of(events, chunks[0], written)

    def end(self) -> bytes:
        """As `ChunkStream.end`."""
        return self._written(self._chunks.end())

    def error_event(self, error: APIError) -> bytes:
        """The event that the stream ends with when it fails."""
        return error_event(error)

    def _filled(self, form: _Form, events: bytes) -> bytes | None:
        """Several events at a time, where they came together, if all of them are of the form."""
        if (one := form.filled(events)) is not None:
            filled = [one]
        else:
            several = [form.filled(happened + b"\n\n") for happened in events.split(b"\n\n")[:-1]]
            filled = [each for each in several if each is not None]
            if len(filled) < max(len(several), 2):
                return None
        if self._seen_text is not None:
            for text, _ in filled:
                self._seen_text(from_json(b'"' + text + b'"'))
        return b"".join(written for _, written in filled)

    def _written(self, chunks: list[Chunk]) -> bytes:
        for chunk in chunks:
            self._seen(chunk)
        return b"".join(map(event, chunks))


def _form_of(events: bytes, chunk: Chunk, written: bytes) -> _Form | None:
    """The form of an event that says a piece of text, and of which nothing else is left to be looked at."""
    name = _only_text(chunk)
    if name is None or (b'"usage"' in events and not _NO_USAGE.search(events)):
        return None
    quoted = b'"' + name + b'"'
    came, became = _SAID[name].search(events), _SAID[name].search(written)
    if came is None or became is None or events.count(quoted) != 1 or written.count(quoted) != 1:
        return None
    return _Form(events[: came.start(1)], events[came.end(1) :], written[: became.start(1)], written[became.end(1) :])


def _only_text(chunk: Chunk) -> bytes | None:
    """The name of the field that the text stands in, if the chunk's one choice says nothing but that."""
    choices = chunk.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or choices[0].get("finish_reason") is not None:
        return None
    delta = choices[0].get("delta")
    if delta is None:
        return b"text" if choices[0].get("text") else None
    return b"content" if delta.keys() == {"content"} and delta["content"] else None


def _is_utf_8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
