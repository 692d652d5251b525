"""A comment, or an event that says as little, for every while that a stream is silent: proxies and load balancers cut a
connection that says nothing for a minute.

One task a stream looks at the clock; an event costs two assignments.
"""

import asyncio
import time
from collections.abc import Callable

from starlette.types import Send

# Every reader of server-sent events passes over a line that starts with a colon.
COMMENT = b": keep-alive\n\n"


class StreamKeepalive:
    """Knows since when the stream waits for its next event; `run` sends what `say` gives it, or a comment, whenever that
    becomes too long. It is asked then, since an event may have a number."""

    def __init__(self, say: Callable[[], bytes | None] = lambda: None) -> None:
        self._say = say
        self._since: float | None = None

    def waits(self) -> None:
        """From now on the stream has nothing to say. Only then can a comment not fall within an event."""
        self._since = time.monotonic()

    def speaks(self) -> None:
        """An event is being sent; a client that takes long to read it hears from the stream already."""
        self._since = None

    async def run(self, send: Send, seconds: float) -> None:
        """To be cancelled at the stream's end."""
        while True:
            if self._since is None:
                await asyncio.sleep(seconds)
            elif (left := self._since + seconds - time.monotonic()) > 0:
                await asyncio.sleep(left)
            else:
                await send({"type": "http.response.body", "body": self._say() or COMMENT, "more_body": True})
                if self._since is not None:
                    self.waits()
