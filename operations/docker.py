"""The stack in containers: what `make docker_up` and its kin run, through Compose."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_stack import bootstrap, env_file, litellm_config
from local_stack.command_line import Parser, fail
from local_stack.environments import DEMO_KEY, DEMO_PROVIDER_KEYS, present, traced_content
from operations import command_line, keys, prices

PROJECT = "reasoning-agent"
DEVELOPMENT_FILE = ".env"
DEMO_URLS = {
    "OPENAI_BASE_URL": "http://demo-provider:4001/v1",
    "ANTHROPIC_API_BASE": "http://demo-provider:4001",
    "OPENROUTER_API_BASE": "http://demo-provider:4001/v1",
}
# Everything that must run before the API's key can be minted, which the API cannot start without.
BEFORE_THE_KEYS = ("postgres-litellm", "postgres-phoenix", "phoenix", "litellm")
DEMO_SERVICES = ("demo-provider", "demo-tools")
READY_SECONDS = "300"


class DockerError(Exception):
    """Docker cannot be used as asked; the message carries the mend."""


def say(message: str) -> None:
    print(message, flush=True)


class DockerStack:
    """Raises DockerError from every command."""

    def __init__(self, file: Path, compose: Sequence[str], environment: Mapping[str, str]) -> None:
        self.file, self.compose, self.environment = file, list(compose), environment
        self.is_development = file.name == DEVELOPMENT_FILE

    @property
    def project(self) -> str:
        """A project of its own for each .env, so that production's volumes are never development's."""
        suffix = re.sub(r"[^a-z0-9_-]+", "-", self.file.name.lower().removeprefix(".env")).strip("-")
        return PROJECT if self.is_development else f"{PROJECT}-{suffix or 'other'}"

    @property
    def values(self) -> dict[str, str]:
        return command_line.read_values(self.file, self.environment)

    @property
    def uses_demo(self) -> bool:
        """In development only: a production stack without a provider key has to fail, not to make answers up."""
        return self.is_development and not present(self.values, litellm_config.provider_keys())

    def up(self) -> None:
        self._ensure_secrets()
        demo = DEMO_SERVICES if self.uses_demo else ()
        self._compose("up", "-d", "--build", *demo, *BEFORE_THE_KEYS)
        self._mint_keys()
        self._compose("up", "-d", "--build")
        self._register_prices()
        answers = "; the demo provider answers for every model" if self.uses_demo else ""
        say(f"API {self._url('API_PORT', 8000)}/v1, its tokens are API_TOKENS in {self.file}{answers}")
        say(f"LiteLLM {self._url('LITELLM_PORT', 4000)}/ui/  Phoenix {self._url('PHOENIX_PORT', 6006)}")
        say(
            "How to connect a client: make connect" + ("" if self.is_development else f' ARGS="--env-file {self.file}"')
        )

    def down(self) -> None:
        self._compose("down", all_profiles=True)

    def restart(self) -> None:
        """Made anew, because a mere restart would keep the old environment."""
        self._compose("up", "-d", "--build", "--force-recreate")
        self._register_prices()

    def litellm_restart(self) -> None:
        self._compose("up", "-d", "--force-recreate", "--no-deps", "litellm")
        self._register_prices()

    def litellm_logs(self) -> None:
        self._compose("logs", "-f", "--tail", "200", "litellm")

    def litellm_reset(self, *, asked: bool) -> None:
        """Deletes LiteLLM's database: every key, its spend, and models added in the dashboard; then mints anew."""
        volume = f"{self.project}_litellm-postgres"
        if not asked and not _confirmed(f"This deletes the volume {volume}: LiteLLM's virtual keys, spend and models."):
            raise DockerError("Nothing was deleted")
        self._compose("rm", "--force", "--stop", "litellm", "postgres-litellm")
        self._run(["docker", "volume", "rm", "--force", volume])
        self.up()

    def check_compose(self) -> None:
        """A Docker without the plugin takes `compose` for a mistake and speaks of unknown flags."""
        try:
            known = subprocess.run(
                [*self.compose, "version"], env=dict(self.environment), capture_output=True, check=False
            )
        except OSError:
            known = None
        if known is None or known.returncode:
            raise DockerError(
                f"`{' '.join(self.compose)}` does not work here: install Docker with its Compose plugin, name another "
                "Compose (COMPOSE=docker-compose), or use `make up`, which needs no Docker"
            )

    def _ensure_secrets(self) -> None:
        if self.is_development:
            for name in env_file.ensure(self.file, bootstrap.ROOT / ".env.dev.example"):
                say(f"Generated {name} in {self.file}")
        elif not self.file.exists():
            raise DockerError(f"{self.file} does not exist: copy .env.prod.example to it and fill it in")

    def _mint_keys(self) -> None:
        environments = [] if self.is_development else ["--env", "prod"]
        url = self._url("LITELLM_PORT", 4000)
        arguments = ["--write", "--env-file", str(self.file), "--litellm-url", url, "--timeout", READY_SECONDS]
        if keys.main([*arguments, *environments], self.environment, api_follows=True):
            raise DockerError("The virtual keys were not minted, so the API was not started")

    def _register_prices(self) -> None:
        """Phoenix is healthy by now: LiteLLM starts after it. Wrong costs there are no reason to undo what runs."""
        url = self._url("PHOENIX_PORT", 6006)
        try:
            changed = prices.register(url, prices.configured(prices.CONFIG))
        except prices.PriceError as error:
            mend = f'make phoenix_prices ARGS="--phoenix-url {url}"'
            print(f"{error}. Its costs may differ from LiteLLM's until `{mend}` has run", file=sys.stderr)
            return
        if changed:
            say(f"Changed prices in Phoenix: {', '.join(changed)}")

    def _url(self, variable: str, default: int) -> str:
        values = self.values
        host = values.get("BIND_ADDRESS") or "0.0.0.0"  # noqa: S104  # every address, this machine's own among them
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{values.get(variable) or default}"  # noqa: S104

    def _compose(self, *arguments: str, all_profiles: bool = False) -> None:
        files = ["docker-compose.yml", *(["docker-compose.dev.yml"] if self.is_development else [])]
        options = ["--env-file", str(self.file), "--project-name", self.project]
        options += [part for name in files for part in ("-f", name)]
        options += ["--profile", "demo"] if all_profiles or self.uses_demo else []
        self._run([*self.compose, *options, *arguments])

    def _run(self, command: list[str]) -> None:
        demo = DEMO_URLS | dict.fromkeys(DEMO_PROVIDER_KEYS, DEMO_KEY) if self.uses_demo else {}
        content = traced_content(
            {"TRACE_CONTENT": "on"} | {name: value for name, value in self.values.items() if value}
        )
        done = subprocess.run(command, cwd=bootstrap.ROOT, env={**self.environment, **demo, **content}, check=False)
        if done.returncode:
            raise DockerError(f"`{' '.join(command[:2])} ... {command[-1]}` ended with {done.returncode}; see above")


def _confirmed(warning: str) -> bool:
    try:
        return input(f"{warning}\nType yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False


def command_words(text: str) -> list[str]:
    """For argparse."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words:
        raise argparse.ArgumentTypeError(f"{text!r} is not a command, such as docker-compose")
    return words


def parser() -> argparse.ArgumentParser:
    result = Parser(prog="python -m operations.docker", description=__doc__)
    commands = ("up", "down", "restart", "litellm-restart", "litellm-logs", "litellm-reset")
    result.add_argument("command", choices=commands)
    result.add_argument(
        "--env-file",
        type=command_line.file_to_be,
        default=Path(DEVELOPMENT_FILE),
        metavar="FILE",
        help="the settings (default: %(default)s, with docker-compose.dev.yml; any other file without it)",
    )
    result.add_argument(
        "--compose", type=command_words, default="docker compose", help="Compose's command (default: %(default)s)"
    )
    result.add_argument("--yes", action="store_true", help="litellm-reset: delete without asking")
    return result


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = parser().parse_args(arguments)
    stack = DockerStack(options.env_file.absolute(), options.compose, environment)
    try:
        stack.check_compose()
        if options.command == "litellm-reset":
            stack.litellm_reset(asked=options.yes)
        else:
            getattr(stack, options.command.replace("-", "_"))()
    except (DockerError, *command_line.EXPECTED) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
