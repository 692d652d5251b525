"""The servers that are compared, each a process of its own on a free port, all before one upstream."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench.client import Client, Target
from tests.support.api import TOKEN, running_api
from tests.support.processes import ROOT, free_port, running

PROGRAMS = "tests.bench.programs"
RELAY, SDK, UNTRACED, TRACED, DIRECT = "raw relay", "FastAPI + AsyncOpenAI", "API", "API, traced", "upstream"


@dataclass(frozen=True)
class Server:
    """A running server, and the client that loads it."""

    target: Target
    pid: int

    @property
    def name(self) -> str:
        return self.target.name

    def client(self) -> Client:
        return Client(self.target)

    def ask(self, path: str) -> Any:
        """What it says of itself."""
        return httpx.get(f"{self.target.url}{path}", trust_env=False, timeout=10).raise_for_status().json()


class Servers:
    """Started when they are first asked for, and ended together."""

    def __init__(self, directory: Path, resources: ExitStack) -> None:
        self._directory, self._resources = directory, resources
        self._running: dict[str, Server] = {}
        self._sink: str | None = None

    @property
    def upstream(self) -> Server:
        if DIRECT not in self._running:
            self._running[DIRECT] = self.program(DIRECT, "upstream")
        return self._running[DIRECT]

    @property
    def sink(self) -> str:
        """Where spans and metrics go."""
        if self._sink is None:
            self._sink = self._resources.enter_context(_sink())
        return self._sink

    def named(self, name: str) -> Server:
        if name == DIRECT:
            return self.upstream
        if name not in self._running:
            program = {RELAY: "relay", SDK: "sdk"}.get(name)
            self._running[name] = (
                self.program(name, program, self.upstream.target.url)
                if program
                else self.api(name, self.upstream.target.url, **(self.tracing if name == TRACED else {}))
            )
        return self._running[name]

    @property
    def tracing(self) -> dict[str, str]:
        """The settings with which an API traces into the sink."""
        return {"ENABLE_TRACING": "true", "PHOENIX_COLLECTOR_ENDPOINT": self.sink, "PHOENIX_PROJECT_NAME": "bench"}

    def api(
        self, name: str, upstream: str, key: str = "sk-virtual", options: tuple[str, ...] = (), **settings: str
    ) -> Server:
        api = running_api(self._directory, llm_base_url=upstream, llm_api_key=key, options=options, **settings)
        started = self._resources.enter_context(api)
        return Server(Target(name, started.url, TOKEN), started.process.pid)

    def program(self, name: str, program: str, *arguments: str, python: str = sys.executable, **settings: str) -> Server:
        """One of tests/bench/programs."""
        port = free_port()
        url, log = f"http://127.0.0.1:{port}", self._directory / f"{program}-{port}.log"
        command = ("-m", f"{PROGRAMS}.{program}", str(port), *arguments)
        process = running(*command, url=f"{url}/health", log=log, environment=settings, python=python)
        return Server(Target(name, url), self._resources.enter_context(process).pid)


@contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, "-m", f"{PROGRAMS}.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
