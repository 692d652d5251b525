"""What the API is told here: everything as in the user's stack, but for the key that is charged and the tools offered."""

import contextvars
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from api.llm import PooledTransport, Reply
from local_stack import environments, settings
from local_stack.instance import Instance
from tests.evaluations.dataset import DATA
from tests.support.own_stack import setting

EVALUATION_KEY = "LITELLM_EVAL_KEY"
COST_HEADER = "x-litellm-response-cost"
_spent: contextvars.ContextVar[list[float]] = contextvars.ContextVar("spent")


def api_environment(instance: Instance, **own: str) -> dict[str, str]:
    """The API's variables, with the evaluation key in the place of its own.

    Raises:
        StackError: there is no evaluation key.
    """
    programs = environments.common(instance, [])
    known = environments.api(instance, settings.read(instance), setting(instance, EVALUATION_KEY))
    variables = {name: value for name, value in known.items() if name not in programs}
    tools = {"MCP_CONFIG_PATH": str(DATA / "mcp_servers.yaml")}
    return variables | tools | own


@contextmanager
def process_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables in this process, for parts of the API that run in it."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def asks_the_demo(instance: Instance) -> bool:
    """Whether the stack, as its .env and this terminal have it, has no provider key."""
    return environments.uses_demo_provider(instance, settings.read(instance))


@contextmanager
def metered() -> Iterator[list[float]]:
    """The cost in dollars of each call to LiteLLM within the block, as LiteLLM tells it. Blocks of other tasks are apart."""
    costs: list[float] = []
    token = _spent.set(costs)
    try:
        yield costs
    finally:
        _spent.reset(token)


class Meter(PooledTransport):
    """A transport that reads the cost off every answer. A call that is broken off tells none."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        _count(response.headers)
        return response

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        reply = await super().post(url, headers=headers, content=content, silence=silence, method=method)
        _count(reply.headers)
        return reply


def _count(headers: Mapping[str, str]) -> None:
    if (costs := _spent.get(None)) is not None:
        costs.append(float(headers.get(COST_HEADER) or 0))
