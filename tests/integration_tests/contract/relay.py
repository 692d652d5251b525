"""A TCP relay that can be cut: how a service goes down for one client and stays up for all others."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import free_port


class Relay:
    """Carries connections from a port of its own to another on loopback, as long as it is not cut."""

    def __init__(self, target: int) -> None:
        self._target, self._port = target, free_port()
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Listens."""
        self._listener = listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuses new connections and ends the present ones."""
        listener, self._listener = self._listener, None
        for end in (listener, *self._connections):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._target))
                self._connections += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_carry, args=(source, sink), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(target: int) -> Iterator[Relay]:
    """A relay to this port, ended with the block."""
    way = Relay(target)
    way.mend()
    try:
        yield way
    finally:
        way.cut()
