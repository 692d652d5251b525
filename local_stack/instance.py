"""One running copy of the stack: where its state lies and which ports it has."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local_stack import bootstrap
from local_stack.ports import PortError, Ports

# In the environment of everything that is started: the instance, by its state folder, and the service.
STATE_MARKER = "REASONING_STACK_STATE"
SERVICE_MARKER = "REASONING_STACK_SERVICE"
# A Unix socket's path fits in 107 bytes, and supervisord appends its pid to it while it makes the socket.
LONGEST_SOCKET_PATH = 95


class InstanceError(Exception):
    """An instance that cannot be used as asked; the message says why."""


@dataclasses.dataclass(frozen=True)
class Instance:
    state: Path
    port_base: int | None = None
    root: Path = bootstrap.ROOT

    @property
    def ports(self) -> Ports:
        return Ports.of(self.port_base)

    @property
    def is_default(self) -> bool:
        return self.state == instances_folder() / "default"

    @property
    def env_file(self) -> Path:
        return (self.root if self.is_default else self.state) / ".env"

    @property
    def example(self) -> Path:
        """What a new .env is copied from."""
        return self.root / ".env.dev.example"

    @property
    def litellm_config(self) -> Path:
        return self.root / "config" / "litellm_config.yaml"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def home(self) -> Path:
        """Where programs that insist on writing to a home folder write."""
        return self.state / "home"

    @property
    def temporary(self) -> Path:
        return self.home / "tmp"

    @property
    def postgres_data(self) -> Path:
        return self.state / "postgres"

    @property
    def phoenix_data(self) -> Path:
        return self.state / "phoenix"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def url(self, service: str, path: str = "") -> str:
        return f"http://127.0.0.1:{getattr(self.ports, service.replace('-', '_'))}{path}"

    def socket(self) -> Path:
        """supervisord's control socket: in the state folder, or in a private one when that path is too long."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]
        return (
            private_folder(Path(tempfile.gettempdir()) / f"reasoning-stack-{os.getuid()}-{digest}") / "supervisor.sock"
        )

    def prepare(self) -> None:
        """Makes the folders. The state folder itself may be passed through, so that PostgreSQL's own user reaches its
        data; everything else is the owner's alone."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o711)
        for folder in (self.logs, self.run, self.run / "services", self.home, self.temporary, self.phoenix_data):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def record(self) -> None:
        """So that later commands find the ports by the state folder alone."""
        (self.run / "instance.json").write_text(json.dumps({"port_base": self.port_base}))


def private_folder(folder: Path) -> Path:
    """Raises InstanceError if somebody else could have made it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700:
        raise InstanceError(
            f"{folder} is not a folder of yours with mode 0700: remove it, or set TMPDIR to another place"
        )
    return folder


def instances_folder() -> Path:
    return bootstrap.state_root() / "instances"


def recorded_port_base(state: Path) -> int | None:
    try:
        base = json.loads((state / "run" / "instance.json").read_text())["port_base"]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return None
    return int(base) if base is not None else None


def parse_base(text: str, named: str) -> int:
    """``named``: how it was given. Raises PortError."""
    try:
        return int(text)
    except ValueError:
        raise PortError(f"{named}{text!r} is not a number") from None


def resolve(state_dir: str | None, port_base: str | None, environment: Mapping[str, str]) -> Instance:
    """An explicit state folder remembers the port base that it was last started with.

    Raises PortError, InstanceError.
    """
    named = "--port-base " if port_base else "STACK_PORT_BASE="
    base = parse_base(text, named) if (text := port_base or environment.get("STACK_PORT_BASE", "").strip()) else None
    if state_dir:
        state = Path(state_dir).absolute()
        if state.exists() and not state.is_dir():
            raise InstanceError(f"--state-dir {state_dir} is not a folder")
        base = base if base is not None else recorded_port_base(state)
    else:
        state = instances_folder() / ("default" if base is None else str(base))
    if any(mark in str(state) for mark in (" ;", " #", "\n")):
        raise InstanceError(f"{state}: supervisord cannot read a path with ' ;', ' #' or a line break in it")
    Ports.of(base, named)
    return Instance(state=state, port_base=base)
