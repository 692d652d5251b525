"""Opens LiteLLM's or Phoenix's dashboard, of the local stack or of Docker's: both publish them on the same ports."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from local_stack import instance
from local_stack.ports import PortError
from operations import keys

PORTS = {"litellm": "LITELLM_PORT", "phoenix": "PHOENIX_PORT"}
PATHS = {"litellm": "/ui/", "phoenix": "/"}


def url_of(name: str, file: Path | None, environment: Mapping[str, str]) -> tuple[str, Path]:
    """The dashboard's address, and the .env that belongs to it. Raises InstanceError, PortError, UsageError."""
    stack = instance.resolve(None, None, environment)
    file = file or stack.env_file
    return base_url(name, stack, file, environment) + PATHS[name], file


def base_url(name: str, stack: instance.Instance, file: Path, environment: Mapping[str, str]) -> str:
    """Where it is published: an instance's ports outrank those of the .env. Raises UsageError."""
    if stack.port_base is not None:
        return stack.url(name)
    port = keys.read_values(file, environment).get(PORTS[name], "").strip()
    return f"http://127.0.0.1:{port}" if port else stack.url(name)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, follow_redirects=True, trust_env=False).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def has_screen(environment: Mapping[str, str]) -> bool:
    return sys.platform == "darwin" or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.dashboards", description=__doc__)
    parser.add_argument("name", choices=tuple(PORTS))
    parser.add_argument(
        "--env-file", type=Path, metavar="FILE", help="where the ports stand (default: the stack's .env)"
    )
    options = parser.parse_args(arguments)
    try:
        url, file = url_of(options.name, options.env_file, environment)
    except (instance.InstanceError, PortError, keys.UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not answers(url):
        print(f"error: nothing answers at {url}: start it with `make up` or `make docker_up`", file=sys.stderr)
        return 1
    print(url)
    if options.name == "litellm":
        print(f"Log in as admin; the password is LITELLM_MASTER_KEY in {file}")
    if has_screen(environment):
        webbrowser.open(url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
