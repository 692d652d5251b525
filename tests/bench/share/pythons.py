"""A service's environment made with another Python than the stack's, kept in .stack/bench."""

from pathlib import Path

from local_stack import bootstrap, environments, litellm_database


class NoSuchPython(Exception):
    """The message says which."""


def program(name: str, version: str) -> str:
    """The Python of this set's environment, made with that version (`3.11`), or the stack's own where there is none.

    Raises NoSuchPython.
    """
    if not version:
        return str(bootstrap.venv(name) / "bin" / "python")
    target = bootstrap.state_root() / "bench" / f"{name}-{version}"
    if not (target / ".made").exists():
        _make(name, target, version)
        (target / ".made").touch()
    return str(target / "bin" / "python")


def beside(packages: tuple[str, ...], python: str) -> dict[str, str]:
    """What makes this Python find these packages, installed where its environment does not see them by itself."""
    if not packages:
        return {}
    target = bootstrap.state_root() / "bench" / "-".join(packages)
    uv = [str(bootstrap.venv("stack") / "bin" / "uv"), "--no-progress", "pip", "install", "--no-deps"]
    command = [*uv, "--python", python, "--target", str(target), *packages]
    bootstrap.run_logged(target.name, command, bootstrap.uv_environment())
    return {"PYTHONPATH": str(target)}


def _make(name: str, target: Path, version: str) -> None:
    bootstrap.say(f"Installing {name} with Python {version} ...")
    uv = [str(bootstrap.venv("stack") / "bin" / "uv"), "--no-progress"]
    environment = bootstrap.uv_environment()
    try:
        bootstrap.run_logged(target.name, [*uv, "venv", "--clear", "--python", version, str(target)], environment)
    except bootstrap.BootstrapError as error:
        raise NoSuchPython(f"There is no Python {version} to compare with: {error}") from error
    install = ["pip", "sync", "--python", str(target / "bin" / "python"), "--require-hashes", "--compile-bytecode"]
    bootstrap.run_logged(target.name, [*uv, *install, str(bootstrap.requirements(name))], environment)
    if name in bootstrap.REWRITTEN_PACKAGES:
        bootstrap.own_copy(target, bootstrap.REWRITTEN_PACKAGES[name])
        litellm_database.generate_client(target, environments.engine_folder(), environments.node_programs())
