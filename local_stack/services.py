"""The services: what each runs, what it knows, how it shows that it is well, and in what order they start."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from local_stack import bootstrap, environments, health, litellm_database, postgres
from local_stack.instance import SERVICE_MARKER, STATE_MARKER, Instance

# Stopping goes the other way round: nobody loses what they still talk to.
START_ORDER = ("postgres", "phoenix", "demo-provider", "demo-tools", "litellm", "api")
# What a folder's service reads of it.
SOURCES = ("*.py", "*.md", "*.txt")
# What the API reads when it starts, by the setting that names another file; the callers it reads again by itself.
API_CONFIGS = {"MCP_CONFIG_PATH": "config/mcp_servers.yaml", "MEMORY_ROUTING_CONFIG_PATH": "config/memory_routing.yaml"}
# By itself LiteLLM closes a connection that was idle for 5 s, and the API after 4 s (HTTP_KEEPALIVE_EXPIRY). On a busy machine that
# second can be too short, and a request that meets a closing connection fails with 503.
KEPT_OPEN = ("--keepalive_timeout", "75")
LABELS = {
    "postgres": "PostgreSQL",
    "phoenix": "Phoenix",
    "demo-provider": "Demo provider",
    "demo-tools": "Demo tools",
    "litellm": "LiteLLM",
    "api": "API",
}


@dataclasses.dataclass(frozen=True)
class Service:
    """``patience``: seconds it may take to become healthy; ``stop_seconds``: to end by itself before it is killed."""

    name: str
    command: list[str]
    environment: dict[str, str]
    directory: Path
    check: health.Check
    patience: float = 120
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    stop_as_group: bool = True
    # Changes with the programs and the files that it reads when it starts, so that it is started anew with them.
    installed: str = ""

    @property
    def label(self) -> str:
        return LABELS[self.name]

    def as_json(self) -> str:
        fields = {"command": self.command, "environment": self.environment, "directory": str(self.directory)}
        return json.dumps({**fields, "installed": self.installed}, indent=1, sort_keys=True)

    def digest(self) -> str:
        return hashlib.sha256(self.as_json().encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Options:
    """``scripted``: it is the tests': they script the demo provider, what they ask is charged to the test key, and what fails is
    tried again at once."""

    scripted: bool = False


def marked(instance: Instance, name: str, environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, STATE_MARKER: str(instance.state), SERVICE_MARKER: name}


def installed(venv: str, *files: Path) -> str:
    """Tells one state of an environment and of these files from another; a folder stands for its code and its prompts."""
    found = [bootstrap.venv(venv) / ".stamp", *(file for path in files for file in _sources(path))]
    digest = hashlib.sha256()
    for file in found:
        digest.update(str(file).encode() + hashlib.sha256(file.read_bytes() if file.is_file() else b"").digest())
    return digest.hexdigest()


def _sources(path: Path) -> list[Path]:
    return sorted(file for kind in SOURCES for file in path.rglob(kind)) if path.is_dir() else [path]


def python_module(venv: str, *arguments: str) -> list[str]:
    return [str(bootstrap.venv(venv) / "bin" / "python"), "-m", *arguments]


def address(port: int) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(port)]


def definitions(instance: Instance, settings: Mapping[str, str], options: Options) -> list[Service]:
    """In start order."""
    return [
        _postgres(instance),
        _phoenix(instance, settings),
        _demo_provider(instance, options),
        _demo_tools(instance),
        _litellm(instance, settings, options),
        _api(instance, settings, options),
    ]


def _postgres(instance: Instance) -> Service:
    return Service(
        name="postgres",
        command=postgres.server_command(instance),
        environment=marked(instance, "postgres", postgres.environment()),
        directory=instance.state,
        check=health.program(postgres.ready_command(instance)),
        # SIGINT ends the clients' sessions and shuts down cleanly; its children must hear of it from the server alone.
        stop_signal="INT",
        stop_as_group=False,
        stop_seconds=30,
        installed=installed("stack"),
    )


def _phoenix(instance: Instance, settings: Mapping[str, str]) -> Service:
    return Service(
        name="phoenix",
        command=python_module("phoenix", "local_stack.phoenix_server", "serve"),
        environment=marked(instance, "phoenix", environments.phoenix(instance, settings)),
        directory=instance.root,
        check=health.http(instance.url("phoenix", "/readyz")),
        patience=180,
        installed=installed("phoenix", instance.root / "local_stack" / "phoenix_server.py", *_shared(instance)),
    )


def _demo_provider(instance: Instance, options: Options) -> Service:
    arguments = [*address(instance.ports.demo_provider), *(["--scripted"] if options.scripted else [])]
    return Service(
        name="demo-provider",
        command=python_module("app", "demo.provider", *arguments),
        environment=marked(instance, "demo-provider", environments.common(instance, environments.venv_path("app"))),
        directory=instance.root,
        check=health.http(instance.url("demo-provider", "/health")),
        installed=installed("app", instance.root / "demo" / "provider"),
    )


def _demo_tools(instance: Instance) -> Service:
    return Service(
        name="demo-tools",
        command=python_module("app", "demo.tools", *address(instance.ports.demo_tools)),
        environment=marked(instance, "demo-tools", environments.common(instance, environments.venv_path("app"))),
        directory=instance.root,
        check=health.http(instance.url("demo-tools", "/health")),
        installed=installed("app", instance.root / "demo" / "tools"),
    )


def _litellm(instance: Instance, settings: Mapping[str, str], options: Options) -> Service:
    config = instance.litellm_config
    arguments = ["--config", str(config), *address(instance.ports.litellm), "--telemetry", "False", *KEPT_OPEN]
    soon = environments.RETRIES_SOON if options.scripted else {}
    return Service(
        name="litellm",
        command=python_module("litellm", "local_stack.litellm_server", *arguments),
        environment=marked(instance, "litellm", environments.litellm(instance, settings) | soon),
        directory=instance.root,
        check=health.http(instance.url("litellm", "/health/readiness"), {"db": "connected"}),
        patience=240,
        stop_seconds=20,
        installed=installed(
            "litellm",
            config,
            config.with_name("litellm_plugin.py"),
            instance.root / "local_stack" / "litellm_server.py",
            *_shared(instance),
            environments.engine_folder() / litellm_database.STAMP,
            bootstrap.venv("litellm") / litellm_database.CLIENT_STAMP,
        ),
    )


def _api(instance: Instance, settings: Mapping[str, str], options: Options) -> Service:
    key = settings.get("LITELLM_TEST_KEY" if options.scripted else "LITELLM_API_KEY", "")
    arguments = ["api", *address(instance.ports.api)]
    configs = [instance.root / (settings.get(name) or default) for name, default in API_CONFIGS.items()]
    return Service(
        name="api",
        command=python_module("app", *arguments),
        environment=marked(instance, "api", environments.api(instance, settings, key)),
        directory=instance.root,
        check=health.http(instance.url("api", "/health/ready")),
        stop_seconds=15,
        installed=installed("app", instance.root / "api", *configs),
    )


def _shared(instance: Instance) -> list[Path]:
    """What LiteLLM and Phoenix run of the API's."""
    return [instance.root / "api" / "__init__.py", instance.root / "api" / "garbage_collection.py"]
