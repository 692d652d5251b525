"""Makes the project's virtual environments and runs a command in one of them, with nothing but Python's own library.

``python3 local_stack/bootstrap.py SET[,SET...] [-- COMMAND...]``: each SET is a file ``requirements/SET.txt`` and
becomes ``.stack/venvs/SET``. Only what is absent or outdated is made; COMMAND replaces this process, with the first
set's programs first on PATH.

The services get the newest Python of this machine that they were tried with, all else the one that runs this; with
PYTHON in the environment, as ``make PYTHON=python3.11`` has it, all get that one.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
# Newer ones are used where they are named, or where they are the machine's `python3`, but not looked for.
NEWEST_MINOR_TRIED = 13
# What answers requests: LiteLLM's slowest hundredth takes two thirds of the time on 3.13 that it takes on 3.11.
SERVICES = ("app", "litellm", "phoenix")
PLACES_OF_PYTHONS = (".pyenv/versions/3.{minor}.*/bin/{name}", ".local/share/uv/python/cpython-3.{minor}.*/bin/{name}")
# Prints version and place of a Python that can run the services: not every build has all modules, and no wheels are for one
# that is a preview or goes without the interpreter's lock.
PROBE = """
import bz2, ctypes, lzma, platform, sqlite3, ssl, sys, sysconfig
if sys.version_info.releaselevel == "final" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print(platform.python_version(), sys.base_prefix, sep="\\n")
"""
PROBE_SECONDS = 20
SETS = ("stack", "app", "usage", "dev", "litellm", "phoenix", "clients", "compose", "conformance", "local_model")
# uv links files from its cache; what is rewritten after the installation must not be shared with that cache.
REWRITTEN_PACKAGES = {"litellm": "prisma"}
# How often a long installation says that it still goes on where no progress bar can be shown.
HEARTBEAT_SECONDS = 15
LOG_TAIL_LINES = 25


class BootstrapError(Exception):
    """Something stands in the way of an installation; the message says what, and the mend."""


class Python(NamedTuple):
    version: str
    base_prefix: str
    # Empty where the environment that holds uv has it.
    program: str = ""

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])

    def is_same(self, other: Python) -> bool:
        return self[:2] == other[:2]


def say(message: str) -> None:
    """Standard output belongs to COMMAND, so progress goes to standard error."""
    print(message, file=sys.stderr, flush=True)


def check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise BootstrapError(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; {sys.executable} is "
            f"{platform.python_version()}. Name another one: make up PYTHON=python3.12"
        )
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise BootstrapError(
            f"{sys.executable} has no module {' and no '.join(missing)}, which virtual environments need. "
            f"On Debian and Ubuntu: apt-get install python3-venv. On others: install Python with its standard library."
        )


def state_root() -> Path:
    return ROOT / ".stack"


def venv(name: str) -> Path:
    return state_root() / "venvs" / name


def requirements(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def own_python() -> Python:
    return Python(platform.python_version(), sys.base_prefix)


def python_for(name: str) -> Python:
    """The one that this environment shall have."""
    if name not in SERVICES or os.environ.get("PYTHON"):
        return own_python()
    return newest_python()


@cache
def newest_python() -> Python:
    """The newest of this machine that the services were tried with, or this one if none is newer."""
    probed = (probe(program) for program in newer_programs(sys.version_info.minor))
    return next((python for python in probed if python), own_python())


def newer_programs(minor: int) -> Iterator[str]:
    """Where Pythons newer than 3.minor may be, the newest first: on PATH, and where pyenv and uv keep theirs."""
    for newer in range(NEWEST_MINOR_TRIED, minor, -1):
        name = f"python3.{newer}"
        on_path = shutil.which(name)
        # A shim of pyenv's runs a version only where that was chosen, and takes its time to say so.
        if on_path and "shims" not in Path(on_path).parts:
            yield on_path
        for place in PLACES_OF_PYTHONS:
            yield from map(str, sorted(Path.home().glob(place.format(minor=newer, name=name)), reverse=True))


def probe(program: str) -> Python | None:
    """None if it cannot run the services."""
    try:
        done = subprocess.run([program, "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.splitlines()
    return Python(said[0], said[1], program) if done.returncode == 0 and len(said) == 2 else None


def stamp(name: str, python: Python) -> str:
    """Changes with the requirements, with Python, and with the checkout's place, which scripts in a venv name."""
    parts = [requirements(name).read_text(), str(venv(name))]
    return "\n".join([hashlib.sha256("\0".join(parts).encode()).hexdigest(), python.version, python.base_prefix])


def is_current(name: str) -> bool:
    """The stamp is written last, so an interrupted installation never counts as one."""
    try:
        stamped = (venv(name) / ".stamp").read_text()
        _, *python = stamped.splitlines()
        made = Python(*python)
    except (FileNotFoundError, TypeError):
        return False
    return stamped == stamp(name, made) and (venv(name) / "bin" / "python").exists() and suits(name, made)


def suits(name: str, made: Python) -> bool:
    """Whoever sees fewer Pythons, with another PATH, leaves a service the newer one that it has."""
    wanted = python_for(name)
    may_be_newer = name in SERVICES and not os.environ.get("PYTHON")
    return made.is_same(wanted) or (may_be_newer and made.minor > wanted.minor)


@contextlib.contextmanager
def locked(path: Path, waiting_for: str) -> Iterator[None]:
    """Holds an exclusive lock that the system gives back when this process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for {waiting_for} ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def clean_environment() -> dict[str, str]:
    """The user's environment without what leads an installation elsewhere, and with every cache in the state folder."""
    dropped = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    cache = state_root() / "cache"
    for name, folder in (("PIP_CACHE_DIR", "pip"), ("UV_CACHE_DIR", "uv"), ("npm_config_cache", "npm")):
        environment.setdefault(name, str(cache / folder))
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    return environment


def pip_settings(listing: str) -> dict[str, str]:
    """What ``pip config list`` prints, as name -> value; the environment's lines come last there and win, as in pip."""
    settings = {}
    for line in listing.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            settings[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


def uv_settings(pip: dict[str, str]) -> dict[str, str]:
    """uv does not read pip's configuration, so a machine with a package index of its own must have it handed over.

    Indexes that only add to the usual one stay unused: pip looks through all files of a version, uv takes whatever file
    the first index has, which may be one for another platform.
    """
    names = {"UV_INSECURE_HOST": "trusted-host", "SSL_CERT_FILE": "cert"}
    if "index-url" in pip:
        names |= {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url"}
    settings = {uv: " ".join(pip[name].split()) for uv, name in names.items() if pip.get(name)}
    if "UV_INDEX" in settings:
        # As in pip, every index counts; the hashes are locked.
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return settings


def uv_environment() -> dict[str, str]:
    """What the user set for uv wins over what is read from pip."""
    environment = clean_environment()
    command = [str(venv("stack") / "bin" / "python"), "-m", "pip", "config", "list"]
    listing = subprocess.run(command, env=environment, capture_output=True, text=True)
    return {**uv_settings(pip_settings(listing.stdout)), **environment}


def run_logged(label: str, command: list[str], environment: dict[str, str]) -> None:
    """Runs an installer, its words in a log file, which is shown in part when it fails."""
    log = state_root() / "logs" / f"install-{label}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            code = wait_with_heartbeat(process, label)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise BootstrapError(f"Installing {label} failed (exit status {code}):\n{tail}\nThe whole log: {log}")


def wait_with_heartbeat(process: subprocess.Popen[bytes], label: str) -> int:
    started = time.monotonic()
    while True:
        try:
            return process.wait(timeout=HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"  ... still installing {label} ({time.monotonic() - started:.0f} s)")


def make_stack_venv(environment: dict[str, str]) -> None:
    """pip, which Python brings along, makes the one environment that holds uv; uv makes all the others."""
    target = venv("stack")
    run_logged("stack", [sys.executable, "-m", "venv", "--clear", str(target)], environment)
    command = [
        str(target / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--no-input",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    run_logged("stack", [*command, "-r", str(requirements("stack"))], environment)


def make_venv(name: str, environment: dict[str, str]) -> None:
    """The bytecode is compiled at once, because the services may not write any: without it, LiteLLM's start takes
    several seconds longer. The lock is installed as it stands and not resolved again: `compose` overrides a pin."""
    stack, target = venv("stack") / "bin", venv(name)
    uv = [str(stack / "uv"), "--no-progress"]
    python = python_for(name).program or str(stack / "python")
    run_logged(name, [*uv, "venv", "--clear", "--python", python, str(target)], environment)
    install = [
        *uv,
        "pip",
        "sync",
        "--python",
        str(target / "bin" / "python"),
        "--require-hashes",
        "--compile-bytecode",
    ]
    run_logged(name, [*install, str(requirements(name))], environment)
    if name in REWRITTEN_PACKAGES:
        own_copy(target, REWRITTEN_PACKAGES[name])


def own_copy(target: Path, package: str) -> None:
    """Replaces a package's files, which may be hard links into uv's cache, by copies."""
    for folder in target.glob(f"lib/python*/site-packages/{package}"):
        shutil.copytree(folder, folder.with_suffix(".copy"), symlinks=True)
        shutil.rmtree(folder)
        folder.with_suffix(".copy").rename(folder)


def make(name: str) -> None:
    started = time.monotonic()
    python = python_for(name)
    say(f"Installing {name} into {venv(name).relative_to(ROOT)}, with Python {python.version} ...")
    if venv(name).is_symlink():
        # Making it anew would clear what it leads to, which is not this checkout's.
        raise BootstrapError(f"{venv(name)} is a link. Remove it; an environment belongs to one checkout.")
    venv(name).parent.mkdir(parents=True, exist_ok=True)
    (venv(name) / ".stamp").unlink(missing_ok=True)
    if name == "stack":
        make_stack_venv(clean_environment())
    else:
        make_venv(name, uv_environment())
    (venv(name) / ".stamp").write_text(stamp(name, python))
    say(f"Installed {name} in {time.monotonic() - started:.1f} s")


def ensure(names: list[str]) -> None:
    """Makes the named environments where they are absent or outdated; concurrent callers in one checkout take turns.

    Raises BootstrapError.
    """
    needed = [name for name in dict.fromkeys(["stack", *names]) if not is_current(name)]
    if not needed:
        return
    with locked(state_root() / "install.lock", "another installation in this checkout"):
        for name in needed:
            if not is_current(name):
                make(name)


def command_environment(first: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    environment["VIRTUAL_ENV"] = str(venv(first))
    environment["PATH"] = os.pathsep.join([str(venv(first) / "bin"), environment.get("PATH", os.defpath)])
    # So that the time from `make up` to the first answer counts the installations too.
    environment.setdefault("REASONING_STACK_STARTED", repr(time.time()))
    return environment


def parse(arguments: list[str]) -> tuple[list[str], list[str]]:
    names = arguments[0].split(",")
    unknown = [name for name in names if name not in SETS]
    if unknown:
        raise BootstrapError(f"Unknown set {unknown[0]!r}; there are: {', '.join(SETS)}")
    rest = arguments[1:]
    return names, rest[1:] if rest[:1] == ["--"] else rest


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{__doc__}\nSets: {', '.join(SETS)}")
        return 0 if arguments else 2
    environment_started = repr(time.time())
    os.environ.setdefault("REASONING_STACK_STARTED", environment_started)
    try:
        check_python()
        names, command = parse(arguments)
        ensure(names)
    except BootstrapError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("Interrupted; run it again to go on.")
        return 130
    if command:
        environment = command_environment(names[0])
        program = shutil.which(command[0], path=environment["PATH"])
        if program is None:
            say(f"error: no program {command[0]!r} in {venv(names[0])} or on PATH")
            return 127
        os.execve(program, command, environment)  # noqa: S606 - no shell is the point
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
