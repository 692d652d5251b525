"""Which port each service listens on, and who sits on one that should be free."""

from __future__ import annotations

import dataclasses
import errno
import socket
from collections.abc import Iterable

import psutil

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535


class PortError(Exception):
    """A port base that cannot be used, or ports that others hold; the message carries the mend."""


@dataclasses.dataclass(frozen=True)
class Ports:
    """In the order in which they follow a port base."""

    api: int = 8000
    litellm: int = 4000
    phoenix: int = 6006
    phoenix_grpc: int = 4317
    postgres: int = 5433
    demo_provider: int = 4001
    demo_tools: int = 4002

    @classmethod
    def of(cls, base: int | None, named: str = "STACK_PORT_BASE=") -> Ports:
        """``named``: how the base was given. Raises PortError."""
        if base is None:
            return cls()
        count = len(dataclasses.fields(cls))
        if not 1024 <= base <= HIGHEST_PORT - count + 1:
            raise PortError(f"{named}{base}: choose a number from 1024 to {HIGHEST_PORT - count + 1}")
        return cls(*range(base, base + count))

    def of_service(self, service: str) -> dict[str, int]:
        """The ports that a service listens on, by what a reader would call them."""
        name = service.replace("-", "_")
        ports = {service: int(getattr(self, name))}
        if service == "phoenix":
            ports["phoenix (gRPC)"] = self.phoenix_grpc
        return ports


def is_free(port: int) -> bool:
    """SO_REUSEADDR forgives connections that linger after a server's end, but not a server that listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise PortError(f"Port {port} cannot be opened: {error.strerror}") from error
    return True


def holder(port: int) -> str:
    """Name and pid of the process that listens, as far as the system lets this user see it; else an empty string."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
            except psutil.Error:
                return f"pid {connection.pid}"
    return ""


def check_free(ports: Ports, services: Iterable[str]) -> None:
    """Raises PortError naming every port that is taken."""
    taken = [
        (label, port) for service in services for label, port in ports.of_service(service).items() if not is_free(port)
    ]
    if not taken:
        return
    lines = [f"  {label}: port {port}" + (f" ({who})" if (who := holder(port)) else "") for label, port in taken]
    raise PortError(
        "\n".join(["These ports are taken by other programs:", *lines])
        + f"\nEnd those programs, or use other ports: make up STACK_PORT_BASE={suggested_base()}"
    )


def suggested_base(first: int = 18000, step: int = 100) -> int:
    """A base whose whole range is free right now."""
    count = len(dataclasses.fields(Ports))
    for base in range(first, HIGHEST_PORT - count, step):
        if all(is_free(port) for port in range(base, base + count)):
            return base
    return first
