"""The servers that are compared, each a process of its own on a free port, all before one upstream."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench.client import Client, Target
from tests.support.api import TOKEN
from tests.support.processes import ROOT, free_port, running

PROGRAMS = "tests.bench.programs"
RELAY, QUICK_RELAY, SDK = "raw relay", "raw relay on uvloop", "FastAPI + AsyncOpenAI"
BARE = "bare application"
PROGRAM_OF = {RELAY: ("relay",), QUICK_RELAY: ("relay", "uvloop"), BARE: ("bare",), SDK: ("sdk",)}
UNTRACED, TRACED, REMEMBERING, DIRECT = "API", "API, traced", "API, with memory", "upstream"


def bare_settings(upstream: str) -> dict[str, str]:
    """An API without tracing and without servers of tools."""
    named = {"LLM_BASE_URL": upstream, "LLM_API_KEY": "sk-virtual", "API_TOKENS": TOKEN}
    return named | {"MCP_CONFIG_PATH": str(Path(__file__).with_name("no_servers.yaml"))}


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
            self._running[name] = self._started(name, self.upstream.target.url)
        return self._running[name]

    def _started(self, name: str, upstream: str) -> Server:
        if name in PROGRAM_OF:
            program, *options = PROGRAM_OF[name]
            return self.program(name, program, upstream, *options)
        return self.api(name, upstream, self._settings(name))

    def _settings(self, name: str) -> dict[str, str]:
        if name == TRACED:
            return self.tracing
        return self.remembering if name == REMEMBERING else {}

    @property
    def tracing(self) -> dict[str, str]:
        """The settings with which an API traces into the sink."""
        return {"ENABLE_TRACING": "true", "PHOENIX_COLLECTOR_ENDPOINT": self.sink, "PHOENIX_PROJECT_NAME": "bench"}

    @property
    def remembering(self) -> dict[str, str]:
        """The settings with which every call of an API carries the memory user that a pattern makes of a header."""
        file = self._directory / "memory_routing.yaml"
        pattern = "{header: x-bench-user, pattern: ^(.+)$, user_id: '{1}', listen_to: everyone}"
        file.write_text(f"enabled: true\npatterns: [{pattern}]\nupstream: {{models: all}}\n", encoding="utf-8")
        return {"MEMORY_ROUTING_CONFIG_PATH": str(file)}

    def api(
        self,
        name: str,
        upstream: str,
        settings: Mapping[str, str] | None = None,
        *options: str,
        python: str = sys.executable,
    ) -> Server:
        """The API, with these settings and options of its command line; by itself on the Python of all that it is compared with."""
        environment = bare_settings(upstream) | dict(settings or {})
        started = self._module("api", ("--port", str(port := free_port()), *options), port, environment, python)
        return Server(Target(name, f"http://127.0.0.1:{port}", TOKEN), started)

    def program(
        self, name: str, program: str, *arguments: str, python: str = sys.executable, **settings: str
    ) -> Server:
        """One of tests/bench/programs."""
        port = free_port()
        pid = self._module(f"{PROGRAMS}.{program}", (str(port), *arguments), port, settings, python)
        return Server(Target(name, f"http://127.0.0.1:{port}"), pid)

    def _module(
        self,
        module: str,
        arguments: Sequence[str],
        port: int,
        environment: Mapping[str, str],
        python: str = sys.executable,
    ) -> int:
        """Its process's id, once it answers."""
        url, log = f"http://127.0.0.1:{port}/health", self._directory / f"{module}-{port}.log"
        process = running("-m", module, *arguments, url=url, log=log, environment=environment, python=python)
        return self._resources.enter_context(process).pid


@contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, "-m", f"{PROGRAMS}.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()
