"""``lock``: every requirements/*.in compiled into requirements/*.txt, with hashes, for every platform."""

from __future__ import annotations

import subprocess

from local_stack import bootstrap, console

# dev is pinned to what app and stack resolved to, so those come first.
ORDER = ("app", "stack", "usage", "dev", "litellm", "phoenix", "clients", "compose", "conformance", "local_model")


class LockError(Exception):
    """A set could not be compiled; the message is uv's."""


def command(name: str, *, upgrade: bool) -> list[str]:
    oldest = ".".join(map(str, bootstrap.OLDEST_PYTHON))
    flags = [
        "--universal",
        "--python-version",
        oldest,
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-annotate",
        "--no-header",
    ]
    if (bootstrap.ROOT / "requirements" / f"{name}.overrides").exists():
        flags += ["--override", f"{name}.overrides"]
    if upgrade:
        flags.append("--upgrade")
    uv = str(bootstrap.venv("stack") / "bin" / "uv")
    return [uv, "pip", "compile", "--quiet", *flags, f"{name}.in", "-o", f"{name}.txt"]


def lock(*, upgrade: bool) -> None:
    """Versions that are locked stay, unless ``upgrade``. Raises LockError."""
    environment = bootstrap.uv_environment()
    for name in ORDER:
        with console.step(f"Compiling {name}", f"requirements/{name}.txt"):
            result = subprocess.run(
                command(name, upgrade=upgrade),
                cwd=bootstrap.ROOT / "requirements",
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            if result.returncode != 0:
                raise LockError(f"requirements/{name}.in: {result.stderr.strip()}")
