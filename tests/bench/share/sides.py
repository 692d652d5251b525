"""LiteLLM with a change and without it, both up at once, before the same database, Phoenix and provider."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from local_stack import settings
from local_stack.instance import Instance
from local_stack.services import Options, Service, definitions
from tests.bench.client import Client, Target
from tests.bench.share.changes import Change, Setting
from tests.bench.share.pythons import beside, program
from tests.support.processes import free_port, running
from tests.support.stack_client import StackClient, eventually

READY_WITHIN = 300.0  # seconds, where two start at once
BEFORE, AFTER = "before", "after"
# By these the stack knows its own processes, which it ends.
MARKS = "REASONING_STACK"


@dataclass(frozen=True)
class Side:
    """A running LiteLLM and who asks it, through an API of its own if the whole chain is measured."""

    name: str
    pid: int
    client: Client
    sampled: bool


@contextmanager
def both_sides(stack: Instance, change: Change, folder: Path, *, chain: bool) -> Iterator[list[Side]]:
    """Started at the same time, so that neither is older. Raises AssertionError if one does not get ready."""
    wanted = {BEFORE: change.before, AFTER: change.after}
    for name in ("litellm", "app"):
        for setting in wanted.values():
            program(name, setting.python)
    with ExitStack() as resources, ThreadPoolExecutor() as together:
        starting = partial(_side, stack, folder, resources, chain)
        yield list(together.map(starting, wanted, wanted.values()))


def _side(stack: Instance, folder: Path, resources: ExitStack, chain: bool, name: str, setting: Setting) -> Side:
    user = StackClient.of(stack)
    services = {
        service.name: service for service in definitions(stack, settings.read(stack, {}), Options(scripted=True))
    }
    url, pid = _litellm(services["litellm"], setting, folder, resources)
    target = Target(name, url, user.settings["LITELLM_TEST_KEY"])
    if chain:
        target = Target(name, _api(services["api"], setting, url, folder, resources), user.token)
    return Side(name, pid, Client(target), setting.sampled)


def litellm_command(service: Service, setting: Setting, port: int) -> list[str]:
    """The stack's own with the change in it, on a port of its own; without the program, which is the first."""
    _, _, _, *arguments = service.command
    given = dict(zip(arguments[::2], arguments[1::2], strict=True)) | {"--port": str(port)}
    return ["-m", setting.module, *(word for pair in given.items() for word in pair), *setting.options]


def _litellm(service: Service, setting: Setting, folder: Path, resources: ExitStack) -> tuple[str, int]:
    port, python = free_port(), program("litellm", setting.python)
    url = f"http://127.0.0.1:{port}"
    process = running(
        *litellm_command(service, setting, port), python=python, url=f"{url}/health/liveliness",
        log=folder / f"litellm-{port}.log",
        environment={**_unmarked(service), **setting.environment, **beside(setting.packages, python)},
        within=READY_WITHIN,
    )  # fmt: skip
    pid = resources.enter_context(process).pid
    eventually(lambda: _is_ready(url), f"{url} is ready", within=READY_WITHIN)
    return url, pid


def _is_ready(url: str) -> bool | None:
    answer = httpx.get(f"{url}/health/readiness", timeout=10, trust_env=False)
    return (answer.is_success and answer.json().get("db") == "connected") or None


def _api(service: Service, setting: Setting, litellm: str, folder: Path, resources: ExitStack) -> str:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    api = running(
        "-m", "api", "--port", str(port), python=program("app", setting.python), url=f"{url}/health/ready",
        log=folder / f"api-{port}.log", environment={**_unmarked(service), "LLM_BASE_URL": litellm},
    )  # fmt: skip
    resources.enter_context(api)
    return url


def _unmarked(service: Service) -> dict[str, str]:
    return {name: value for name, value in service.environment.items() if not name.startswith(MARKS)}
