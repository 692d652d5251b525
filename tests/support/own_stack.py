"""A stack for a run that is started by hand: the one that runs already, or one that is started for it and stopped after it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from local_stack import bootstrap, env_file, ports
from local_stack.instance import Instance, instances_folder, resolve
from tests.support.environment import without_the_users_settings


class StackError(Exception):
    """The stack cannot be used as asked; the message carries the mend."""


@contextmanager
def stack_of_its_own(name: str) -> Iterator[Instance]:
    """A stack with its own data on free ports, which asks no real provider whatever keys the user's terminal has."""
    instance = Instance(instances_folder() / name, ports.suggested_base())
    with _up(instance, without_the_users_settings(instance)):
        yield instance


@contextmanager
def stack_as_it_is(state_dir: str | None) -> Iterator[Instance]:
    """The user's stack, with the user's provider keys; if it does not run, it does so for this block."""
    instance = resolve(state_dir, None, os.environ)
    if runs(instance):
        yield instance
        return
    with _up(instance, os.environ):
        yield instance


def running_stack(state_dir: str) -> Instance:
    """Raises StackError if it does not run."""
    instance = resolve(state_dir, None, os.environ)
    if not runs(instance):
        raise StackError(f"No stack runs in {state_dir}. Start it: python -m local_stack up --state-dir {state_dir}")
    return instance


def runs(instance: Instance) -> bool:
    """Whether its API is ready, LiteLLM and its database included."""
    try:
        return httpx.get(instance.url("api", "/health/ready"), timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def setting(instance: Instance, name: str) -> str:
    """A setting of the stack's .env.

    Raises:
        StackError: it is empty.
    """
    value = env_file.read(instance.env_file).get(name, "").strip()
    if not value:
        raise StackError(f"{name} is empty in {instance.env_file}. `make litellm_setup` mints the virtual keys.")
    return value


@contextmanager
def _up(instance: Instance, environment: Mapping[str, str]) -> Iterator[None]:
    try:
        if _command(instance, environment, "up", "--no-first-call") != 0:
            raise StackError(f"The stack did not start; its logs are in {instance.logs}")
        yield
    finally:
        _command(instance, environment, "down")


def _command(instance: Instance, environment: Mapping[str, str], *words: str) -> int:
    python = str(bootstrap.venv("stack") / "bin" / "python")
    base = ("--port-base", str(instance.port_base)) if instance.port_base is not None else ()
    command = [python, "-m", "local_stack", *words, "--state-dir", str(instance.state), *base]
    # Its lines are progress: the run's own report has standard output to itself.
    return subprocess.run(command, cwd=Path(bootstrap.ROOT), env=environment, stdout=sys.stderr, check=False).returncode
