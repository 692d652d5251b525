"""The stack in the hands of a user without rights, when it is root who runs the tests; else every other test shows it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local_stack import bootstrap, env_file, environments, postgres, processes
from local_stack.instance import Instance
from local_stack.up import VENVS
from tests.support.environment import without_the_users_settings
from tests.support.stack import START_LIMIT, free_port_base

pytestmark = pytest.mark.timeout(START_LIMIT + 60)
COPIED = ("api", "config", "demo", "docs", "local_stack", "operations", "requirements", ".env.dev.example", "README.md")
ENVIRONMENTS = ("stack", *VENVS)
# Reading what this user installed, where it lies in a closed folder, is all that the other user may do beyond its rights.
READ_CLOSED_FOLDERS = [
    "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--securebits", "+no_setuid_fixup",
]  # fmt: skip
STAMP = (
    "from local_stack import bootstrap as b; "
    f"[(b.venv(n) / '.stamp').write_text(b.stamp(n, b.python_for(n))) for n in {ENVIRONMENTS}]"
)


@dataclass(frozen=True)
class OrdinaryUser:
    """Somebody with a checkout in a folder of their own."""

    uid: int
    gid: int
    root: Path

    @property
    def python(self) -> Path:
        return self.root / ".stack" / "venvs" / "stack" / "bin" / "python"

    def run(self, instance: Instance, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Their Python with these arguments, run to its end."""
        become = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]
        if postgres.closed_to_others(self.python) or postgres.closed_to_others(bootstrap.venv("stack") / "bin"):
            become += READ_CLOSED_FOLDERS
        environment = without_the_users_settings(instance) | {"HOME": str(self.root), "TMPDIR": str(self.root / "tmp")}
        return subprocess.run(
            [*become, "--", str(self.python), *arguments],
            cwd=self.root, env=environment, capture_output=True, text=True, timeout=START_LIMIT, check=False,
        )  # fmt: skip

    def command(self, instance: Instance, name: str) -> subprocess.CompletedProcess[str]:
        where = ["--state-dir", str(instance.state), "--port-base", str(instance.port_base)]
        return self.run(instance, "-m", "local_stack", name, *where)


@pytest.fixture
def user() -> Iterator[OrdinaryUser]:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("Only root, with setpriv, can become somebody else.")
    root = Path(tempfile.mkdtemp(prefix="user-"))
    try:
        _copy_checkout(root)
        someone = pwd.getpwnam(postgres.UNPRIVILEGED_USER)
        for path in (root, *root.rglob("*")):
            os.chown(path, someone.pw_uid, someone.pw_gid, follow_symlinks=False)
        yield OrdinaryUser(someone.pw_uid, someone.pw_gid, root)
    finally:
        shutil.rmtree(root)


def _copy_checkout(root: Path) -> None:
    """The code as a copy, the environments as links, which nobody but their owner can write through."""
    left_out = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in COPIED:
        source = bootstrap.ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=left_out)
        else:
            shutil.copy(source, root / name)
    (root / "tmp").mkdir()
    for name in ENVIRONMENTS:
        own = root / ".stack" / "venvs" / name
        own.mkdir(parents=True)
        for entry in bootstrap.venv(name).iterdir():
            if entry.name != ".stamp" and entry.suffix != ".lock":
                (own / entry.name).symlink_to(entry)
    shutil.copytree(environments.engine_folder(), root / ".stack" / "prisma-engine", symlinks=True)


def test_an_ordinary_user_starts_uses_and_stops_the_stack(user: OrdinaryUser) -> None:
    instance = Instance(user.root / "state", free_port_base(), root=user.root)
    stamped = user.run(instance, "-c", STAMP)
    assert stamped.returncode == 0, stamped.stderr
    try:
        started = user.command(instance, "up")
        assert started.returncode == 0, f"{started.stdout}\n{started.stderr}"
        assert "Installing" not in started.stdout + started.stderr
        assert "litellm-dev" in started.stdout
        assert {process.uids().real for process in processes.own(instance.state)} == {user.uid}
        assert (instance.env_file.stat().st_uid, instance.env_file.stat().st_mode & 0o777) == (user.uid, 0o600)
        headers = {"authorization": f"Bearer {env_file.read(instance.env_file)['API_TOKENS']}"}
        models = httpx.get(instance.url("api", "/v1/models"), headers=headers, timeout=30, trust_env=False)
        assert models.status_code == 200
        again = user.command(instance, "status")
        assert again.returncode == 0, again.stdout
    finally:
        ended = user.command(instance, "down")
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert processes.own(instance.state) == []
