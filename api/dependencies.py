"""What lives as long as the process, opened in order and closed in reverse, and how handlers ask for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Generic, Self, TypeVar, cast

from fastapi import Depends, Request

from api.colleagues import Colleagues
from api.config import Settings, named_variables
from api.llm import (
    LiteLLMClient,
    LiteLLMTransport,
    LLMGateway,
    Lookups,
    ModelAliases,
    ModelCatalog,
    OwnKey,
    PooledTransport,
    Readiness,
    SpendWatch,
    load_aliases,
)
from api.memory import MemoryRouting, open_memory_routing
from api.reasoning import Limits, ReasoningAgent, load_prompts
from api.routing import RequestRouter, RoutingClassifier, load_classifier_prompt
from api.runs import Bounds, Runs
from api.telemetry import Metrics, Tracing, open_metrics, open_tracing
from api.tools import MCPServers, load_mcp_config

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Opened(Generic[T]):
    """A resource of the container: to be had from its opening to the container's end, in between start-up and shutdown."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, container: "ServiceContainer", _owner: type) -> T:
        try:
            return cast(T, container.opened[self._name])
        except KeyError:
            raise RuntimeError(
                "The service container is not open: it opens with the application's start-up and closes with it."
            ) from None

    def __set__(self, container: "ServiceContainer", resource: T) -> None:
        container.opened[self._name] = resource


class ServiceContainer:
    """The one AsyncOpenAI, what it stands on and what stands on it. To be entered once, for the life of the process.

    Before that, and afterwards, every resource raises RuntimeError.
    """

    tracing = Opened[Tracing]()
    metrics = Opened[Metrics]()
    openai_client = Opened[LiteLLMClient]()
    memory = Opened[MemoryRouting]()
    gateway = Opened[LLMGateway]()
    readiness = Opened[Readiness]()
    lookups = Opened[Lookups]()
    catalog = Opened[ModelCatalog]()
    aliases = Opened[ModelAliases]()
    mcp_servers = Opened[MCPServers]()
    agent = Opened[ReasoningAgent]()
    router = Opened[RequestRouter]()
    runs = Opened[Runs]()

    def __init__(
        self,
        settings: Settings,
        transport: LiteLLMTransport | None = None,
        colleagues: Colleagues | None = None,
    ) -> None:
        self.settings = settings
        self.opened: dict[str, object] = {}
        self._transport = transport
        self._colleagues = colleagues
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def _open(self) -> None:
        self.tracing = tracing = open_tracing(self.settings)
        self._closes("tracing", _in_thread(tracing.close))
        self.metrics = metrics = open_metrics(self.settings, self._colleagues)
        self._closes("metrics", _in_thread(metrics.close))
        self.openai_client = client = self._open_client()
        self.lookups = lookups = Lookups(client)
        own_key, spend = OwnKey(lookups.key_info), SpendWatch()
        self.memory = memory = open_memory_routing(self.settings)
        self.gateway = gateway = LLMGateway(client, tracing, metrics, own_key, spend, memory)
        self.readiness = Readiness(lookups, own_key, spend)
        self.catalog = ModelCatalog(lookups)
        self.aliases = load_aliases(self.settings.model_aliases_path)
        self.mcp_servers = servers = MCPServers(load_mcp_config(self.settings.mcp_config_path, named_variables()))
        # First: a start-up that is cancelled while it opens them would leave their tasks behind.
        self._closes("the MCP servers", servers.close)
        await servers.open()
        self.agent = ReasoningAgent(
            gateway, self.catalog, servers, load_prompts(), tracing, metrics, _limits(self.settings)
        )
        classifier, content = _classifier(self.settings, gateway), self.settings.trace_content == "on"
        self.router = RequestRouter(
            classifier, metrics, self.settings.routing_default_mode, content, colleagues=self._colleagues
        )
        self.runs = runs = Runs(_bounds(self.settings), metrics, several=self._colleagues is not None)
        self._closes("the resumable runs", runs.close)
        if self._colleagues is not None:
            self._closes("the way to the other workers", self._colleagues.close)
            await self._colleagues.open()

    def _open_client(self) -> LiteLLMClient:
        client = LiteLLMClient(self.settings, self._transport or PooledTransport(self.settings))
        self._closes("the HTTP client", client.close)
        return client

    async def __aexit__(self, *exc: object) -> None:
        self.opened.clear()
        await self._resources.aclose()

    def _closes(self, name: str, close: Callable[[], Awaitable[None]]) -> None:
        async def close_logged() -> None:
            try:
                await close()
            except Exception:  # noqa: BLE001 - what was opened before it still has to be closed
                _log.exception("Closing %s failed", name)
            else:
                _log.debug("Closed %s", name)

        self._resources.push_async_callback(close_logged)


def _classifier(settings: Settings, gateway: LLMGateway) -> RoutingClassifier:
    return RoutingClassifier(
        gateway,
        load_classifier_prompt(),
        model=settings.routing_classifier_model,
        temperature=settings.routing_classifier_temperature,
        timeout=settings.routing_classifier_timeout,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_steps=settings.reasoning_max_steps,
        max_seconds=settings.reasoning_max_seconds,
        max_tokens=settings.reasoning_max_tokens,
        max_cost=settings.reasoning_max_cost,
        max_step_tokens=settings.reasoning_max_step_tokens,
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        runs=settings.resumable_max_runs,
        runs_of_a_caller=settings.resumable_max_runs_per_caller,
        bytes_of_a_run=settings.resumable_max_run_bytes,
        bytes=settings.resumable_max_bytes,
        keep_seconds=settings.resumable_keep_seconds,
    )


def _in_thread(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def in_thread() -> None:
        await asyncio.to_thread(close)

    return in_thread


def services_of(request: Request) -> ServiceContainer:
    """The container of the server that the request came to."""
    return cast(ServiceContainer, request.scope["state"]["services"])


# FastAPI runs what is no coroutine in a thread: two of them would cost more than all else that this server does for a request.
async def _services(request: Request) -> ServiceContainer:
    return services_of(request)


Services = Annotated[ServiceContainer, Depends(_services)]
