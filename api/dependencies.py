"""What lives as long as the process, opened in order and closed in reverse, and how handlers ask for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Self, TypeVar, cast

import httpx
from fastapi import Depends, Request
from openai import AsyncOpenAI

from api.config import Settings, named_variables
from api.http_client import open_http_client
from api.llm_gateway import LLMGateway
from api.metrics import Metrics, open_metrics
from api.model_catalog import ModelCatalog
from api.reasoning.agent import ReasoningAgent
from api.reasoning.prompts import load_prompts
from api.reasoning.run import Limits
from api.request_context import RequestContext, parse_request_context
from api.request_router import RequestRouter
from api.routing_classifier import RoutingClassifier, load_classifier_prompt
from api.tools import MCPServers, load_mcp_config
from api.tracing import Tracing, open_tracing

T = TypeVar("T")
_log = logging.getLogger(__name__)


class ServiceContainer:
    """The one AsyncOpenAI, what it stands on and what stands on it. To be entered once, for the life of the process."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self._transport = transport
        self._resources = AsyncExitStack()
        self._tracing: Tracing | None = None
        self._metrics: Metrics | None = None
        self._openai_client: AsyncOpenAI | None = None
        self._gateway: LLMGateway | None = None
        self._catalog: ModelCatalog | None = None
        self._mcp_servers: MCPServers | None = None
        self._agent: ReasoningAgent | None = None
        self._router: RequestRouter | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def _open(self) -> None:
        self._tracing = tracing = open_tracing(self.settings)
        self._closes("tracing", _in_thread(tracing.close))
        self._metrics = metrics = open_metrics(self.settings)
        self._closes("metrics", _in_thread(metrics.close))
        http_client = open_http_client(self.settings, self._transport)
        self._closes("the HTTP client", http_client.aclose)
        self._openai_client = AsyncOpenAI(
            api_key=self.settings.llm_api_key.get_secret_value(),
            base_url=self.settings.openai_base_url,
            http_client=http_client,
            max_retries=0,  # LiteLLM retries; a second layer would multiply the calls
        )
        self._gateway = gateway = LLMGateway(self._openai_client, tracing, metrics)
        self._catalog = ModelCatalog(gateway)
        self._mcp_servers = servers = MCPServers(load_mcp_config(self.settings.mcp_config_path, named_variables()))
        # First: a start-up that is cancelled while it opens them would leave their tasks behind.
        self._closes("the MCP servers", servers.close)
        await servers.open()
        limits = _limits(self.settings)
        self._agent = ReasoningAgent(gateway, self._catalog, servers, load_prompts(), tracing, metrics, limits)
        classifier, content = _classifier(self.settings, gateway), self.settings.trace_content == "on"
        self._router = RequestRouter(classifier, metrics, self.settings.routing_default_mode, content)

    async def __aexit__(self, *exc: object) -> None:
        self._tracing = self._metrics = self._openai_client = self._gateway = self._catalog = None
        self._mcp_servers = self._agent = self._router = None
        await self._resources.aclose()

    @property
    def openai_client(self) -> AsyncOpenAI:
        """The one client. Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._openai_client)

    @property
    def gateway(self) -> LLMGateway:
        """The only exit to an LLM. Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._gateway)

    @property
    def catalog(self) -> ModelCatalog:
        """What LiteLLM says of its models. Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._catalog)

    @property
    def mcp_servers(self) -> MCPServers:
        """Where the agent's tools come from. Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._mcp_servers)

    @property
    def agent(self) -> ReasoningAgent:
        """Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._agent)

    @property
    def router(self) -> RequestRouter:
        """Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._router)

    @property
    def tracing(self) -> Tracing:
        """Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._tracing)

    @property
    def metrics(self) -> Metrics:
        """Raises RuntimeError before start-up and after shutdown."""
        return _opened(self._metrics)

    def _closes(self, name: str, close: Callable[[], Awaitable[None]]) -> None:
        async def close_logged() -> None:
            try:
                await close()
            except Exception:  # noqa: BLE001 - what was opened before it still has to be closed
                _log.exception("Closing %s failed", name)
            else:
                _log.debug("Closed %s", name)

        self._resources.push_async_callback(close_logged)


def _opened(resource: T | None) -> T:
    if resource is None:
        raise RuntimeError(
            "The service container is not open: it opens with the application's start-up and closes with it."
        )
    return resource


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
    )


def _in_thread(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def in_thread() -> None:
        await asyncio.to_thread(close)

    return in_thread


# FastAPI runs what is no coroutine in a thread: two of them would cost more than all else that this server does for a request.
async def _services(request: Request) -> ServiceContainer:
    return cast(ServiceContainer, request.state.services)


async def _context(request: Request) -> RequestContext:
    return parse_request_context(request)


Services = Annotated[ServiceContainer, Depends(_services)]
Context = Annotated[RequestContext, Depends(_context)]
