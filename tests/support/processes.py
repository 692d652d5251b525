"""Programs of ours as real processes on free loopback ports, ended by their id."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
START_LIMIT = 90.0


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    *arguments: str,
    url: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
    within: float = START_LIMIT,
) -> Iterator[subprocess.Popen[bytes]]:
    """This interpreter, or another, with these arguments, from the moment that `url` answers; ended with the block."""
    # The user's variables stay outside, so that no key or proxy of theirs can change what a test sees.
    base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [python, *arguments], cwd=ROOT, env=base | dict(environment or {}), stdout=output, stderr=output
        )
    try:
        _wait_for(url, process, log, within)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path, within: float) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            httpx.get(url, timeout=2, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{url} did not answer within {within} s:\n{log.read_text()[-4000:]}")
