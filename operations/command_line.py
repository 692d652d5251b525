"""What the operations share: which stack they are about, and how a mistake is told."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from local_stack import env_file, instance
from local_stack.command_line import fail
from local_stack.env_file import EnvFileError
from local_stack.instance import Instance, InstanceError
from local_stack.litellm_config import LiteLLMConfigError
from local_stack.ports import HIGHEST_PORT, PortError
from local_stack.traces import TraceError
from operations.litellm_admin import LiteLLMError

# Where an .env says on which port a service is published, as Docker does it.
PORT_VARIABLES = {
    "api": "API_PORT",
    "litellm": "LITELLM_PORT",
    "phoenix": "PHOENIX_PORT",
    "postgres": "LITELLM_POSTGRES_PORT",
}


class UsageError(Exception):
    """Something that the command was given cannot be used; the message names it and the mend."""


EXPECTED = (
    EnvFileError,
    InstanceError,
    LiteLLMConfigError,
    LiteLLMError,
    OSError,
    PortError,
    TraceError,
    UsageError,
)


def carried_out(work: Callable[[], int | None]) -> int:
    """Its exit status: 1 for a mistake, 130 for Ctrl-C, each said in a line on standard error."""
    try:
        return work() or 0
    except EXPECTED as error:
        return fail(error)
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130


def seconds(text: str) -> float:
    """For argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def existing_file(text: str) -> Path:
    """For argparse."""
    file = Path(text)
    if not file.exists() or file.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} " + ("is a folder, not a file" if file.is_dir() else "does not exist")
        )
    return file


def file_to_be(text: str) -> Path:
    """For argparse: a file that is there or is made."""
    if Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, not a file")
    return Path(text)


def add_stack_options(parser: argparse.ArgumentParser, *, holds: str, may_be_new: bool = False) -> None:
    """``holds``: what of the .env file the command reads. ``may_be_new``: it writes the file if there is none."""
    parser.add_argument(
        "--env-file",
        type=file_to_be if may_be_new else existing_file,
        metavar="FILE",
        help=f"the .env of another stack, such as Docker's: {holds} (default: the stack's own)",
    )
    parser.add_argument("--state-dir", metavar="DIR", help="another instance of the local stack, by its state folder")
    parser.add_argument("--port-base", metavar="N", help="another instance, by its ports (default: $STACK_PORT_BASE)")


@dataclasses.dataclass(frozen=True)
class Target:
    """The stack that a command is about: its instance, its .env and what that says, the environment's word over it."""

    stack: Instance
    file: Path
    values: Mapping[str, str]

    def port(self, service: str) -> int:
        """An instance's ports outrank those of the .env. Raises UsageError."""
        variable = PORT_VARIABLES[service]
        written = self.values.get(variable, "").strip()
        if self.stack.port_base is not None or not written:
            return int(getattr(self.stack.ports, service))
        if not (written.isascii() and written.isdecimal() and 0 < int(written) <= HIGHEST_PORT):
            raise UsageError(f"{variable}={written!r} in {self.file} is not a port: write one from 1 to {HIGHEST_PORT}")
        return int(written)

    def url(self, service: str) -> str:
        """Where it is reached on this machine. Raises UsageError."""
        return f"http://127.0.0.1:{self.port(service)}"


def target(options: argparse.Namespace, environment: Mapping[str, str]) -> Target:
    """Raises InstanceError, PortError, UsageError."""
    stack = instance.resolve(options.state_dir, options.port_base, environment)
    if options.state_dir and not stack.state.is_dir():
        raise InstanceError(
            f"--state-dir {options.state_dir}: there is no such folder, so no stack was started with it"
        )
    file: Path = options.env_file or stack.env_file
    return Target(stack, file, read_values(file, environment))


def read_values(file: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The file's values, and over them the environment's where it has any. Raises EnvFileError."""
    return {**env_file.read(file), **{name: value for name, value in environment.items() if value}}


def checked_url(text: str, example: str) -> str:
    """An address without a slash at its end. ``example``: the option with a good one. Raises UsageError."""
    url = text.strip().rstrip("/")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 0) > HIGHEST_PORT:
        raise UsageError(f"{text!r} is no address: write {example}")
    return url
