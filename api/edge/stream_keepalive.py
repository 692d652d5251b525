"""A comment, or an event that says as little, for every while that a stream is silent: proxies and load balancers cut a
connection that says nothing for a minute.

One timer a stream looks at the clock; an event costs two assignments.
"""

import asyncio
import time
from collections.abc import Callable

from starlette.types import Send

# Every reader of server-sent events passes over a line that starts with a colon.
COMMENT = b": keep-alive\n\n"


class StreamKeepalive:
    """Knows since when the stream waits for its next event; from `begin` to `end` it sends what `say` gives it, or a comment,
    whenever that becomes too long. It is asked then, since an event may have a number."""

    def __init__(self, send: Send, seconds: float, say: Callable[[], bytes | None] = lambda: None) -> None:
        self._send, self._seconds = send, seconds
        self._said = say
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._saying: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The stream is there. To be ended."""
        self._look_in(self._seconds)

    def end(self) -> None:
        """Nothing more is said."""
        if self._timer is not None:
            self._timer.cancel()
        if self._saying is not None:
            self._saying.cancel()

    def waits(self) -> None:
        """From now on the stream has nothing to say. Only then can a comment not fall within an event."""
        self._since = time.monotonic()

    def speaks(self) -> None:
        """An event is being sent; a client that takes long to read it hears from the stream already."""
        self._since = None

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        left = self._seconds if self._since is None else self._since + self._seconds - time.monotonic()
        if left > 0:
            self._look_in(left)
        else:
            self._saying = asyncio.create_task(self._say())

    async def _say(self) -> None:
        if self._since is not None:
            await self._send({"type": "http.response.body", "body": self._said() or COMMENT, "more_body": True})
        if self._since is not None:
            self.waits()
        self._look_in(self._seconds)
