"""Connections that are made when they are needed, and used again."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final, cast

from aiohappyeyeballs import start_connection

from api.llm.http_connection import Connection, Origin
from api.llm.http_exchange import Lost

# Seconds after which a host's next address is tried beside the first (RFC 8305), and for which what a name stands for is known.
_NEXT_ADDRESS: Final = 0.25
_KNOWN_FOR: Final = 10.0
Addresses = Sequence[tuple[int, int, int, str, Any]]


class NotConnected(ConnectionError):
    """No connection could be made, or none became free, in time."""


@dataclass(slots=True)
class _Lookup:
    addresses: asyncio.Future[Addresses]
    until: float


@dataclass(eq=False)
class Pool:
    """At most `most` connections carry a request at once; who comes later waits. One that carries none is closed after
    `idle_for` seconds."""

    most: int
    idle_for: float
    _idle: dict[Origin, dict[Connection, None]] = field(default_factory=dict)
    _open: set[Connection] = field(default_factory=set)
    _lookups: dict[tuple[str, int], _Lookup] = field(default_factory=dict)
    _waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque)
    _all_lost: asyncio.Event = field(default_factory=asyncio.Event)
    _lent: int = 0
    _closed: bool = False

    def idle(self, origin: Origin) -> Connection | None:
        """One that is there already, and free; the one that was used last, which its server has known for the shortest time."""
        if self._lent < self.most and (connection := self._pop(origin)) is not None:
            self._lent += 1
            return connection
        return None

    async def connection(self, origin: Origin, within: float, *, fresh: bool = False) -> Connection:
        """One that is free, or a new one.

        Raises:
            OSError: there is nobody; `NotConnected` if that took more than `within` seconds.
        """
        try:
            async with asyncio.timeout(within):
                await self._turn()
                try:
                    return (None if fresh else self._pop(origin)) or await self._connected(origin)
                except BaseException:
                    self._pass_on()
                    raise
        except TimeoutError:
            raise NotConnected from None

    def made(self, connection: Connection) -> None:
        """See `Owner`."""
        self._open.add(connection)

    def returned(self, connection: Connection, *, usable: bool) -> None:
        """See `Owner`."""
        if usable and not self._closed:
            self._idle.setdefault(connection.origin, {})[connection] = None
        elif usable:
            connection.end()
        self._pass_on()

    def lost(self, connection: Connection) -> None:
        """See `Owner`."""
        self._open.discard(connection)
        if self._closed and not self._open:
            self._all_lost.set()
        if idle := self._idle.get(connection.origin):
            idle.pop(connection, None)

    async def aclose(self) -> None:
        """Ends all of them; returns when they have ended."""
        self._closed = True
        for connection in list(self._open):
            connection.break_off(Lost("This server is closing."))
        if self._open:
            await self._all_lost.wait()

    def _pop(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            if connection.is_usable and connection.is_young:
                return connection
            connection.end()
        return None

    async def _turn(self) -> None:
        if self._lent < self.most:
            self._lent += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """To who has waited longest, if anybody does."""
        while self._waiting:
            if not (turn := self._waiting.popleft()).done():
                turn.set_result(None)
                return
        self._lent -= 1

    async def _connected(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(origin)
        connected = await start_connection(addresses, loop=loop, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self, origin, self.idle_for),
                sock=connected,
                ssl=self._tls if origin.secure else None,
                server_hostname=origin.host if origin.secure else None,
            )
        except BaseException:
            connected.close()
            raise
        return connection

    async def _addresses(self, origin: Origin) -> Addresses:
        """Asked for once, however many connections are made at that moment."""
        if _is_address(origin.host):
            return _numeric(origin.host, origin.port)
        loop, place = asyncio.get_running_loop(), (origin.host, origin.port)
        lookup = self._lookups.get(place)
        if lookup is None or lookup.until < loop.time():
            asking = loop.create_task(_asked(*place))
            lookup = self._lookups[place] = _Lookup(asking, loop.time() + _KNOWN_FOR)
        try:
            return await asyncio.shield(lookup.addresses)
        except OSError:
            self._lookups.pop(place, None)
            raise

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


async def _asked(host: str, port: int) -> Addresses:
    return cast(Addresses, await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _numeric(host: str, port: int) -> Addresses:
    """Of what is an address already: nobody has to be asked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return cast(Addresses, found)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
