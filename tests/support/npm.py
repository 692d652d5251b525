"""Programs from npm, exactly as their lock files have them, for the Node that comes with the stack."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from local_stack import bootstrap, environments


class NpmError(Exception):
    """The packages could not be installed; the message holds npm's words."""


def installed(source: Path, name: str) -> Path:
    """The `node_modules` of the lock file in `source`, below `.stack/NAME`, made anew when the lock has changed.

    No package's own script runs.

    Raises:
        NpmError: they could not be installed.
    """
    target = bootstrap.state_root() / name
    stamp, wanted = target / ".installed", hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    with bootstrap.locked(bootstrap.state_root() / f"{name}.lock", f"another installation of {name}"):
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.copytree(source, target, dirs_exist_ok=True)
            _install(target, name)
            stamp.write_text(wanted)
    return target / "node_modules"


def node() -> Path:
    """The interpreter."""
    return environments.node_programs() / "node"


def _install(target: Path, name: str) -> None:
    environment = bootstrap.clean_environment()
    environment["PATH"] = os.pathsep.join([str(environments.node_programs()), environment.get("PATH", os.defpath)])
    npm = str(environments.node_programs() / "npm")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=target, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NpmError(f"{name} could not be installed:\n{done.stderr}")
