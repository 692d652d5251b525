"""A request's headers, looked up by name: several rooms ask, and each search through the list would cost as much as making this."""

from starlette.types import Scope

Headers = dict[bytes, bytes]
"""Names in lower case. Of a header that was sent several times, the first."""


def headers_of(scope: Scope) -> Headers:
    """Made once for each request."""
    state = scope.setdefault("state", {})
    found: Headers | None = state.get("headers")
    if found is None:
        found = state["headers"] = dict(reversed(scope["headers"]))
    return found


def text_of(headers: Headers, name: bytes) -> str | None:
    """The value as HTTP has it: Latin-1."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
