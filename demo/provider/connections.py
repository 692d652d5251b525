"""The server's TCP connections: counted for the tests, and closed under a client when a script says so."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Address = tuple[str, int]


class Connections:
    """`accepted` counts from the start of the process; `open` is now. Both count the one that asks."""

    def __init__(self) -> None:
        self.accepted = 0
        self._open: dict[Address, asyncio.Transport] = {}

    @property
    def open(self) -> int:
        return len(self._open)

    def opened(self, client: Address, transport: asyncio.Transport) -> None:
        self.accepted += 1
        self._open[client] = transport

    def closed(self, client: Address) -> None:
        self._open.pop(client, None)

    def close(self, client: Address) -> None:
        """What was written is still sent; the missing end of the answer is what the client sees."""
        transport = self._open.get(client)
        if transport is not None:
            transport.close()


def counting_protocol(connections: Connections) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol, which tells of every connection that opens and closes."""

    class CountingProtocol(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if self.client is not None:
                connections.opened(self.client, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                connections.closed(self.client)
            super().connection_lost(exc)

    return CountingProtocol
