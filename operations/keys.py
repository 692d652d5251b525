"""Mints one unlimited LiteLLM virtual key for each environment. Standard output carries NAME=value lines only."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from local_stack import bootstrap, env_file
from local_stack.command_line import Parser, fail
from local_stack.litellm_config import unreadable
from operations import command_line
from operations.command_line import Target, UsageError
from operations.key_setup import ENVIRONMENTS, Environment, KeySetup, KeySetupError
from operations.litellm_admin import LiteLLMAdmin, LiteLLMError

CONFIG = bootstrap.ROOT / "config" / "litellm_config.yaml"
DEFAULT_ENVIRONMENTS = ("dev", "test", "eval")
DEFAULT_TIMEOUT_SECONDS = 180
# What the API is started with, in production too.
API_KEY = ENVIRONMENTS["dev"].variable
POLL_SECONDS = 0.5
PROGRESS_SECONDS = 5


def say(message: str) -> None:
    """Standard output is for NAME=value lines."""
    print(message, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    result = Parser(
        prog="setup_litellm_keys.sh",
        description="Mint one LiteLLM virtual key for each environment, without budgets or rate limits. Standard "
        "output carries NAME=value lines ready for .env; everything else goes to standard error. A key that works "
        "is kept.",
        epilog="LITELLM_MASTER_KEY and the present keys are read from the environment, then from the .env file.",
    )
    result.add_argument(
        "--env",
        action="append",
        choices=tuple(ENVIRONMENTS),
        help="an environment to mint a key for; may be repeated (default: dev, test and eval)",
    )
    result.add_argument("--write", action="store_true", help="put the keys into the .env file instead of printing them")
    result.add_argument("--rotate", action="store_true", help="replace the keys even if they work")
    result.add_argument("--litellm-url", metavar="URL", help="default: the stack's LiteLLM, http://127.0.0.1:4000")
    result.add_argument(
        "--config",
        type=command_line.existing_file,
        default=CONFIG,
        metavar="FILE",
        help="LiteLLM's configuration: the models",
    )
    result.add_argument(
        "--timeout",
        type=command_line.seconds,
        default=DEFAULT_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for LiteLLM (default: %(default)s)",
    )
    command_line.add_stack_options(result, holds="LITELLM_MASTER_KEY and the present keys", may_be_new=True)
    return result


def chosen_environments(names: Sequence[str] | None) -> list[Environment]:
    """Raises UsageError if two of them would be handed over under one name."""
    chosen = {name: ENVIRONMENTS[name] for name in names or DEFAULT_ENVIRONMENTS}
    if {"dev", "prod"} <= chosen.keys():
        raise UsageError(
            "--env dev and --env prod both go by LITELLM_API_KEY: run once for each, each with its --env-file"
        )
    return list(chosen.values())


def configured_models(config: Path) -> list[str]:
    """Raises UsageError."""
    try:
        return list(
            dict.fromkeys(str(entry["model_name"]) for entry in yaml.safe_load(config.read_text())["model_list"])
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(unreadable(config, error)) from error


def checked_master_key(values: Mapping[str, str], file: Path) -> str:
    """Raises UsageError; never shows the value."""
    key = values.get("LITELLM_MASTER_KEY", "").strip()
    if not key:
        raise UsageError(f"LITELLM_MASTER_KEY is empty: set it in {file} (`make up` and `make docker_up` generate one)")
    if not re.fullmatch(r"sk-[!-~]+", key):
        raise UsageError("LITELLM_MASTER_KEY must start with sk- and hold no spaces: LiteLLM accepts no other")
    return key


def litellm_url(options: argparse.Namespace, target: Target) -> str:
    """Raises UsageError."""
    given = options.litellm_url or target.url("litellm")
    return command_line.checked_url(given, "--litellm-url http://127.0.0.1:4000").removesuffix("/v1")


def wait_until_ready(admin: LiteLLMAdmin, url: str, limit: float) -> None:
    """Raises LiteLLMError after ``limit`` seconds."""
    started, told = time.monotonic(), -PROGRESS_SECONDS + 0.0
    while reason := admin.unreadiness():
        elapsed = time.monotonic() - started
        if elapsed >= limit:
            raise LiteLLMError(
                f"LiteLLM at {url} is not ready after {limit:g} s: {reason}. Start it with `make up` or "
                "`make docker_up`, see `make logs SERVICE=litellm` or `make litellm_logs`, or name its address with "
                "--litellm-url"
            )
        if elapsed - told >= PROGRESS_SECONDS:
            say(f"Waiting for LiteLLM at {url}: {reason} ({elapsed:.0f} of {limit:g} s)")
            told = elapsed
        time.sleep(min(POLL_SECONDS, max(limit - elapsed, 0)))


def quoted(value: str) -> str:
    """As python-dotenv, Compose and sh all read it alike. Raises KeySetupError for what they cannot agree on."""
    if re.fullmatch(r"[\w./+:@%=-]*", value, re.ASCII):
        return value
    if re.search(r"['\\$\r\n]", value):
        raise KeySetupError("LiteLLM made a key with a quote, a backslash, a $ or a line break in it: run this again")
    return f"'{value}'"


def write_key(file: Path, variable: str, key: str) -> None:
    if env_file.read(file).get(variable) != key:
        text = file.read_text() if file.exists() else ""
        env_file.write(file.resolve(), env_file.with_values(text, {variable: quoted(key)}))


def print_key(variable: str, key: str) -> None:
    print(f"{variable}={quoted(key)}", flush=True)


@dataclasses.dataclass(frozen=True)
class HandOver:
    """Writes keys into a file or prints them, and keeps the names of those that are not what they were."""

    file: Path
    write: bool
    before: Mapping[str, str]
    changed: set[str] = dataclasses.field(default_factory=set)

    def __call__(self, variable: str, key: str) -> None:
        if self.write:
            write_key(self.file, variable, key)
        else:
            print_key(variable, key)
        if self.before.get(variable, "").strip() != key:
            self.changed.add(variable)

    def advise(self) -> None:
        """A running API was given its key when it started."""
        if API_KEY in self.changed:
            first = "" if self.write else f"put it into {self.file}, then "
            say(
                f"{API_KEY} has changed: {first}restart the API, which has the old one: make up (or make docker_restart)"
            )


def run(options: argparse.Namespace, environment: Mapping[str, str], *, api_follows: bool) -> None:
    """Raises KeySetupError and those of command_line.EXPECTED."""
    chosen, models = chosen_environments(options.env), configured_models(options.config)
    target = command_line.target(options, environment)
    file, url = target.file, litellm_url(options, target)
    master_key = checked_master_key(target.values, file)
    with LiteLLMAdmin(url, master_key) as admin:
        wait_until_ready(admin, url, options.timeout)
        admin.check_master_key()
        with bootstrap.locked(bootstrap.state_root() / "litellm_keys.lock", "another run of setup_litellm_keys.sh"):
            # The values are read again under the lock: the run that was waited for may have handed keys over.
            hand_over = HandOver(file, options.write, command_line.read_values(file, environment))
            setup = KeySetup(
                admin=admin,
                values=hand_over.before,
                models=models,
                hand_over=hand_over,
                say=say,
                rotate=options.rotate,
                writes=options.write,
            )
            try:
                for each in chosen:
                    setup.run(each)
            finally:
                if not api_follows:
                    hand_over.advise()
    if options.write:
        say(f"Written to {file}")


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ, *, api_follows: bool = False
) -> int:
    """1 when the keys are not as they should be, with the reason on standard error.

    ``api_follows``: the caller starts the API next, so nobody has to be told to.
    """
    options = parser().parse_args(arguments)
    try:
        run(options, environment, api_follows=api_follows)
    except (KeySetupError, *command_line.EXPECTED) as error:
        return fail(error)
    except KeyboardInterrupt:
        say("Interrupted. What was said above is done; run this again for the rest")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
