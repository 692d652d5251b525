"""What the server that a request came to knows of it sooner than ASGI tells: that all of its body is there, and that its client
has left. Asked by ASGI's means, the one takes a timer and the other a task for each request."""

from collections.abc import Callable, Mapping
from typing import Final

_NAME: Final = "incoming"


class Incoming:
    """One request. Written by the server, which knows nobody here; `tell` is called once, when the client leaves."""

    __slots__ = ("has_left", "is_whole", "tell")

    def __init__(self) -> None:
        self.is_whole = self.has_left = False
        self.tell: Callable[[], None] | None = None

    def left(self) -> None:
        """The client has left, or has sent what ends its connection."""
        self.has_left = True
        if self.tell is not None:
            self.tell()


def expect(scope: Mapping[str, object]) -> None:
    """Puts it into the request's state."""
    if isinstance(state := scope.get("state"), dict):
        state[_NAME] = Incoming()


def incoming_of(scope: Mapping[str, object]) -> Incoming | None:
    """None where another server than ours was asked."""
    state = scope.get("state")
    found: Incoming | None = state.get(_NAME) if isinstance(state, dict) else None
    return found
