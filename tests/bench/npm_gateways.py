"""Gateways from npm, installed from a lock for the comparison alone, and run by the Node that comes with the stack."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import bootstrap
from tests.bench.client import Target
from tests.bench.servers import Server
from tests.support.processes import free_port, running

PORTKEY = "Portkey's gateway"
SOURCES = Path(__file__).parent / "gateway_packages"
FOLDER = bootstrap.state_root() / "bench" / "gateways"
STAMP = FOLDER / ".installed"
PORTKEY_SERVER = FOLDER / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def install() -> None:
    """Raises RuntimeError with npm's words."""
    lock = SOURCES / "package-lock.json"
    stamp = hashlib.sha256(lock.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for source in (SOURCES / "package.json", lock):
        shutil.copy(source, FOLDER)
    _npm_ci()
    STAMP.write_text(stamp, encoding="utf-8")


@contextmanager
def portkey(directory: Path, upstream: str) -> Iterator[Server]:
    """Where each request goes stands in its headers; hosts of this machine have to be trusted by name."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = (str(PORTKEY_SERVER), f"--port={port}", "--headless")
    trusted = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"}
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"}
    log = directory / "portkey.log"
    with running(*command, url=url, log=log, environment=trusted, python=str(_node())) as process:
        yield Server(Target(PORTKEY, url, headers=headers), process.pid)


def _npm_ci() -> None:
    cache = str(bootstrap.state_root() / "cache" / "npm")
    environment = {"npm_config_cache": cache, **os.environ, "PATH": f"{_node().parent}{os.pathsep}{os.environ['PATH']}"}
    words = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    npm = _node().with_name("npm")
    done = subprocess.run([npm, *words], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm ci failed:\n{done.stderr[-2000:]}")


def _node() -> Path:
    return bootstrap.venv("stack") / "bin" / "node"
