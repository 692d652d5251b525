"""Gateways from npm, installed from a lock for the comparison alone, and run by the Node that comes with the stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.client import Target
from tests.bench.servers import Server
from tests.support import npm
from tests.support.processes import free_port, running

PORTKEY = "Portkey's gateway"
SOURCES = Path(__file__).parent / "gateway_packages"


def install() -> Path:
    """Their `node_modules`. Raises NpmError."""
    return npm.installed(SOURCES, "compared-gateways")


@contextmanager
def portkey(directory: Path, upstream: str) -> Iterator[Server]:
    """Where each request goes stands in its headers; hosts of this machine have to be trusted by name."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = install() / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command = (str(server), f"--port={port}", "--headless")
    trusted = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"}
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"}
    log = directory / "portkey.log"
    with running(*command, url=url, log=log, environment=trusted, python=str(npm.node())) as process:
        yield Server(Target(PORTKEY, url, headers=headers), process.pid)
