"""Opens LiteLLM's or Phoenix's dashboard, of the local stack or of Docker's: both publish them on the same ports."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence

import httpx

from local_stack.command_line import Parser
from operations import command_line

PATHS = {"litellm": "/ui/", "phoenix": "/"}


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, follow_redirects=True, trust_env=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def has_screen(environment: Mapping[str, str]) -> bool:
    return sys.platform == "darwin" or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def parser() -> argparse.ArgumentParser:
    result = Parser(prog="python -m operations.dashboards", description=__doc__)
    result.add_argument("name", choices=tuple(PATHS))
    command_line.add_stack_options(result, holds="the ports")
    return result


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Raises one of command_line.EXPECTED."""
    target = command_line.target(options, environment)
    url = target.url(options.name) + PATHS[options.name]
    if not answers(url):
        raise command_line.UsageError(f"nothing answers at {url}: start it with `make up` or `make docker_up`")
    print(url)
    if options.name == "litellm":
        print(f"Log in as admin; the password is LITELLM_MASTER_KEY in {target.file}")
    if has_screen(environment):
        webbrowser.open(url)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = parser().parse_args(arguments)
    return command_line.carried_out(lambda: run(options, environment))


if __name__ == "__main__":
    sys.exit(main())
