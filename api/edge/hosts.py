"""Which names this server answers to. A page that a browser shows can point its own name at 127.0.0.1 and then read, as if it
were its own, whatever a server there tells without asking for a token (DNS rebinding); its name stays in the `Host` header."""

import re
from collections.abc import Awaitable, Collection
from functools import lru_cache
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from api.edge.rendering import render
from api.errors import HostNotAllowed

ANY = "*"
# Loopback's own, those below `.localhost`, which browsers ask nobody for, and this machine's as containers on it call it: they
# end in `.internal`, where nobody can register a name.
_OWN = frozenset({"localhost", "host.docker.internal", "host.containers.internal"})
_BELOW_LOCALHOST = "*.localhost"
_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+?)\.?)(?::\d*)?")


class HostMiddleware:
    """Answers 421 to a name that is neither loopback's, nor an address, nor allowed.

    Addresses are let in because nobody can make one's own name of them: that is what orchestrators' probes, which ask a
    container by its address, and users of other machines go by. HTTP/1.0 requests may have no `Host` at all; browsers' do.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._any = ANY in allowed
        self._names = _OWN | set(allowed)
        # Few names are asked for, again and again.
        self._allowed = lru_cache(maxsize=256)(self._is_allowed)
        # `*.example.com` allows what ends in `.example.com`.
        self._ends = tuple(name.removeprefix(ANY) for name in (_BELOW_LOCALHOST, *allowed) if name.startswith("*."))

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and not self._any:
            for name, host in scope["headers"]:
                if name == b"host" and not self._allowed(host):
                    return render(_refusal(), scope)(scope, receive, send)
        return self._app(scope, receive, send)

    def _is_allowed(self, host: bytes) -> bool:
        match = _HOST.fullmatch(host.decode("latin-1").strip().lower())
        if match is None:
            return False
        name = match["name"] or match["address"]
        return name in self._names or name.endswith(self._ends) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refusal() -> HostNotAllowed:
    """Without the name, which whoever sent it knows."""
    return HostNotAllowed(
        "This server does not answer to the name in the `Host` header. If it is one of its own, add it to ALLOWED_HOSTS.",
        param="Host",
    )
