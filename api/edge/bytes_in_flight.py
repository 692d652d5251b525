"""How many bytes of bodies may be under way at once: LiteLLM needs some 25 bytes of memory for each, until its answer has begun."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import TooManyBytesInFlight

RETRY_AFTER = "1"  # seconds


class Held:
    """What one request holds of all that may be held."""

    def __init__(self, total: "BytesInFlightMiddleware") -> None:
        self._total = total
        self._bytes = 0

    def grow_to(self, size: int) -> None:
        """Holds as many bytes, or as many as it did, if those were more.

        Raises:
            TooManyBytesInFlight: others hold the rest.
        """
        more = max(size - self._bytes, 0)
        if more and self._total.held + more > self._total.limit:
            raise TooManyBytesInFlight(
                f"The requests under way hold the {self._total.limit} bytes that a process of this server takes on at once "
                "(MAX_BYTES_IN_FLIGHT, divided by its WORKERS): come again in a moment.",
                headers={"retry-after": RETRY_AFTER, "connection": "close"},
            )
        self._total.held += more
        self._bytes += more

    def add(self, size: int) -> None:
        """Holds so many more."""
        self.grow_to(self._bytes + size)

    def release(self) -> None:
        """The request has been answered."""
        self._total.held -= self._bytes
        self._bytes = 0


class BytesInFlightMiddleware:
    """Counts a body while it comes, and lets go of it with the last byte of the answer."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self.limit = limit
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = scope.setdefault("state", {})["held"] = Held(self)

        async def receive_counted() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                held.add(len(message.get("body", b"")))
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            held.release()


def hold(request: Request, size: int) -> None:
    """Counts the body at its size, which is larger than what came if it was compressed."""
    request.scope["state"]["held"].grow_to(size)
