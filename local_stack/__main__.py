"""The stack's command line: ``python -m local_stack COMMAND``, which ``make COMMAND`` runs in the right environment."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from local_stack import bootstrap, commands, console, following, requirements_lock, settings
from local_stack.command_line import Parser, count, plain
from local_stack.env_file import EnvFileError
from local_stack.first_call import FirstCall, FirstCallError
from local_stack.instance import Instance, InstanceError, resolve
from local_stack.litellm_config import LiteLLMConfigError
from local_stack.litellm_database import LiteLLMDatabaseError
from local_stack.ports import PortError
from local_stack.postgres import PostgresError
from local_stack.services import START_ORDER, Options
from local_stack.supervision import SupervisionError
from local_stack.traces import TraceError
from local_stack.up import SetupError, Stack
from local_stack.waiting import ServiceFailedError

EXPECTED = (
    bootstrap.BootstrapError,
    commands.CommandError,
    requirements_lock.LockError,
    EnvFileError,
    FirstCallError,
    InstanceError,
    LiteLLMConfigError,
    LiteLLMDatabaseError,
    PortError,
    PostgresError,
    ServiceFailedError,
    SetupError,
    SupervisionError,
    TraceError,
    OSError,
)


def parser() -> argparse.ArgumentParser:
    common = Parser(add_help=False)
    common.add_argument(
        "--state-dir",
        metavar="DIR",
        help="where this instance's data, logs and .env are (default: .stack/instances/default)",
    )
    common.add_argument(
        "--port-base",
        metavar="N",
        help="ports N to N+6 in place of the usual ones, with data of their own; also STACK_PORT_BASE",
    )
    main = Parser(prog="python -m local_stack", description="The whole stack on this machine, without Docker.")
    sub = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return sub.add_parser(name, help=text, description=text, parents=[common])

    up = add("up", "Set up and start everything, mint the keys, send a first request through it.")
    up.add_argument("--no-first-call", action="store_true", help="do not send the first request")
    up.add_argument(
        "--scripted",
        action="store_true",
        help="as the tests need it: the demo provider can be scripted over HTTP, calls are charged to the test key, and what fails "
        "is tried again at once",
    )
    add("down", "Stop everything that was started; the data stays.")
    add("status", "Show what runs. Exit status 0 only if all services run.")
    logs = add("logs", "Follow the logs of all services, or of one.")
    logs.add_argument("service", nargs="?", choices=(*START_ORDER, "supervisord"))
    logs.add_argument(
        "-n", "--lines", type=count, metavar="N", default=20, help="how many lines of each to begin with (default: 20)"
    )
    logs.add_argument("--no-follow", action="store_true", help="end after those")
    reset = add("reset", "Stop, and delete the instance's data and minted keys; installations stay.")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    for name in ("start", "stop", "restart"):
        add(name, f"{name.capitalize()} one service.").add_argument("service", choices=START_ORDER)
    lock = sub.add_parser("lock", help="Compile requirements/*.in into hash-locked requirements/*.txt.")
    lock.add_argument(
        "--upgrade", action="store_true", help="take the newest versions instead of keeping the locked ones"
    )
    return main


def up(instance: Instance, arguments: argparse.Namespace) -> None:
    Stack(instance, Options(scripted=arguments.scripted)).up()
    if not arguments.no_first_call:
        FirstCall(instance, settings.read(instance)).make()
    tokens = "your environment" if os.environ.get("API_TOKENS", "").strip() else instance.env_file
    console.say("")
    console.say(f"Base URL for OpenAI clients: {instance.url('api', '/v1')}")
    console.say(f"API key for them:            API_TOKENS in {tokens}")
    console.say(f"How to connect a client:     {commands.connect_command(instance)}")


def run(arguments: argparse.Namespace) -> int:
    if arguments.command == "lock":
        requirements_lock.lock(upgrade=arguments.upgrade)
        return 0
    instance = resolve(arguments.state_dir, arguments.port_base, os.environ)
    match arguments.command:
        case "up":
            up(instance, arguments)
        case "down":
            commands.down(instance)
        case "status":
            return commands.status(instance)
        case "logs":
            services = [arguments.service] if arguments.service else list(START_ORDER)
            following.follow(instance, services, lines=arguments.lines, forever=not arguments.no_follow)
        case "reset":
            commands.reset(instance, sure=arguments.yes)
        case command:
            commands.change(instance, command, arguments.service)
    return 0


def main(words: Sequence[str] | None = None) -> int:
    # Already there when bootstrap.py ran first: then its installations count too.
    os.environ.setdefault("REASONING_STACK_STARTED", repr(time.time()))
    arguments = parser().parse_args(words)
    try:
        return run(arguments)
    except EXPECTED as error:
        console.fail(plain(error))
        return 1
    except KeyboardInterrupt:
        console.fail(
            "interrupted" + ("; what was started goes on: make down ends it" if arguments.command == "up" else "")
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
