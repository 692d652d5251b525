"""The whole real stack on free ports, with data of its own."""

import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import bootstrap
from local_stack.instance import Instance, recorded_port_base
from tests.support.environment import without_the_users_settings

PORTS = 7
START_LIMIT = 400  # seconds


def command(instance: Instance, *arguments: str, **exported: str) -> subprocess.CompletedProcess[str]:
    """`python -m local_stack ARGUMENTS` for this instance, run to its end, with no settings of the user's but these variables."""
    python = str(bootstrap.venv("stack") / "bin" / "python")
    where = ["--state-dir", str(instance.state), "--port-base", str(instance.port_base)]
    first, *rest = arguments
    return subprocess.run(
        [python, "-m", "local_stack", first, *where, *rest],
        cwd=bootstrap.ROOT,
        env=without_the_users_settings(instance) | exported,
        capture_output=True,
        text=True,
        timeout=START_LIMIT,
        check=False,
    )


@contextmanager
def running_stack(*options: str) -> Iterator[Instance]:
    """A stack of one's own, started with these options of ``up``, ended and deleted with the block."""
    # Short, because a Unix socket's path must be.
    state = Path(tempfile.mkdtemp(prefix="stack-"))
    instance = Instance(state, free_port_base())
    try:
        done = command(instance, "up", "--no-first-call", *options)
        assert done.returncode == 0, f"The stack did not start:\n{done.stdout}\n{done.stderr}"
        yield instance
    finally:
        ended = command(instance, "down")
        shutil.rmtree(state, ignore_errors=True)
        assert ended.returncode == 0, f"The stack did not stop:\n{ended.stdout}\n{ended.stderr}"


def crashes(instance: Instance) -> list[str]:
    """What supervisord says of services that ended by themselves; those that a test killed are not among them."""
    lines = instance.log("supervisord").read_text(errors="replace").splitlines()
    return [line for line in lines if " exited: " in line and "SIGKILL" not in line]


def existing_stack(state: Path) -> Instance:
    """A stack that somebody else started with --scripted."""
    return Instance(state, recorded_port_base(state))


def free_port_base() -> int:
    """The first of PORTS free ports in a row, below those that the system gives to outgoing connections."""
    while True:
        base = random.randrange(20_000, 32_000)
        if all(_is_free(base + offset) for offset in range(PORTS)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
