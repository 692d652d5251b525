"""LiteLLM's database without Prisma's native engines: their host is one more that a machine would have to reach.

Prisma's query engine also exists as WebAssembly, on npm: `prisma_engine/` makes it answer as the native one does.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.litellm_migrations import LiteLLMDatabaseError, migrate

__all__ = ["LiteLLMDatabaseError", "engine_environment", "generate_client", "install_engine", "migrate"]

ENGINE_SOURCES = Path(__file__).parent / "prisma_engine"
STAMP = ".installed"
CLIENT_STAMP = ".prisma-client"
# LiteLLM 1.108.7 writes prisma 0.11's private attribute; prisma 0.15 calls it _internal_engine and has __slots__.
CLIENT_REPAIR = """

Prisma._Prisma__engine = property(
    lambda self: self._internal_engine,
    lambda self, engine: setattr(self, "_internal_engine", engine),
)
"""


def install_engine(node_bin: Path, target: Path) -> None:
    """Install the query engine and its packages into `target`, unless exactly this is there already.

    Needs the package registry the first time. `npm_config_cache` says where npm keeps its downloads; unless it is
    set, that is `cache/npm` beside `target`.
    """
    node = _real_node(node_bin)
    stamp = _digest(str(node).encode(), *_sources_content())
    with _locked(target.with_name(f"{target.name}.lock")):
        if _stamped(target / STAMP, stamp):
            return
        (target / STAMP).unlink(missing_ok=True)
        shutil.copytree(ENGINE_SOURCES, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        _link(target / "bin" / "node", node)
        _npm_ci(node_bin, target)
        (target / STAMP).write_text(stamp)


def generate_client(litellm_venv: Path, engine: Path, node_bin: Path) -> None:
    """Generate the Python client for LiteLLM's schema into its virtual environment, unless it is there already."""
    site = _site_packages(litellm_venv)
    schema = site / "litellm" / "proxy" / "schema.prisma"
    stamp = _digest(schema.read_bytes(), CLIENT_REPAIR.encode(), (engine / "package-lock.json").read_bytes())
    with _locked(litellm_venv / f"{CLIENT_STAMP}.lock"):
        if _stamped(litellm_venv / CLIENT_STAMP, stamp):
            return
        (litellm_venv / CLIENT_STAMP).unlink(missing_ok=True)
        command = [str(litellm_venv / "bin" / "prisma"), "generate", "--schema", str(schema)]
        _run("prisma generate", command, env=_generate_environment(litellm_venv, engine, node_bin))
        _repair_client(site / "prisma" / "client.py")
        (litellm_venv / CLIENT_STAMP).write_text(stamp)


def engine_environment(engine: Path, node_bin: Path) -> dict[str, str]:
    """The variables that a LiteLLM process needs to use the engine.

    PATH holds only the folders that have to come first; the process's own belong behind them. With its virtual
    environment in front, LiteLLM would run the `prisma` of that, which takes 8 seconds.
    """
    return {
        "PRISMA_QUERY_ENGINE_BINARY": str(engine / "bin" / "query-engine"),
        "DISABLE_SCHEMA_UPDATE": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PATH": f"{engine / 'bin'}{os.pathsep}{node_bin}",
    }


def _real_node(node_bin: Path) -> Path:
    """Node's own program. A virtual environment's `node` is a Python script that runs it."""
    return Path(_run("node", [str(node_bin / "node"), "-p", "process.execPath"]).strip())


def _npm_ci(node_bin: Path, target: Path) -> None:
    env = {
        "npm_config_cache": str(target.parent / "cache" / "npm"),
        **os.environ,
        "PATH": _path(target / "bin", node_bin),
        "npm_config_update_notifier": "false",
    }
    command = [str(node_bin / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    _run("npm ci", command, cwd=target, env=env)


def _generate_environment(litellm_venv: Path, engine: Path, node_bin: Path) -> dict[str, str]:
    """Both engines have to be named and both caches to be the engine's folder, or Prisma starts to download."""
    return {
        **os.environ,
        "HOME": str(engine / ".home"),
        "PRISMA_HOME_DIR": str(engine / ".home"),
        "PRISMA_BINARY_CACHE_DIR": str(engine),
        "PRISMA_QUERY_ENGINE_BINARY": str(engine / "bin" / "query-engine"),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(engine / "bin" / "schema-engine"),
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "PATH": _path(litellm_venv / "bin", engine / "bin", node_bin),
    }


def _repair_client(client: Path) -> None:
    source = client.read_text(encoding="utf-8")
    if "_Prisma__engine" not in source:
        client.write_text(source + CLIENT_REPAIR, encoding="utf-8")


def _site_packages(venv: Path) -> Path:
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))"
    return Path(json.loads(_run("python", [str(venv / "bin" / "python"), "-c", code])))


def _sources_content() -> Iterator[bytes]:
    for file in sorted(ENGINE_SOURCES.rglob("*")):
        inside = file.relative_to(ENGINE_SOURCES)
        if file.is_file() and inside.parts[0] != "node_modules":
            yield str(inside).encode() + file.read_bytes()


def _digest(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _stamped(stamp: Path, content: str) -> bool:
    return stamp.is_file() and stamp.read_text() == content


def _link(link: Path, to: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(to)


def _path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath)])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two stacks that are set up at the same time take turns. The lock ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(what: str, command: list[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, env=env, cwd=cwd, text=True, capture_output=True, check=False)
    except OSError as error:
        raise LiteLLMDatabaseError(f"{what} could not be started: {error}") from error
    if done.returncode:
        raise LiteLLMDatabaseError(
            f"{what} failed with status {done.returncode}:\n{(done.stderr or done.stdout).strip()}"
        )
    return done.stdout
