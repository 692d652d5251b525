"""A LiteLLM that respx plays, behind the transport of the application."""

from collections.abc import AsyncGenerator, Mapping

import httpx
import respx
from pydantic import SecretStr

from api.config import Settings
from api.errors import UpstreamStreamBroken
from api.llm import LiteLLMClient, LiteLLMTransport, Reply
from api.llm.litellm_transport import late, lost, unreachable

LITELLM = "http://litellm.test:4000"


def played_client(router: respx.Router) -> LiteLLMClient:
    """The client that the container would open. To be closed."""
    settings = Settings(llm_api_key=SecretStr("sk-virtual"), llm_base_url=LITELLM, require_auth=False)
    return LiteLLMClient(settings, PlayedTransport(router))


class PlayedTransport(LiteLLMTransport):
    """Hands every request to the router; what a route raises is what the network would have done."""

    def __init__(self, router: respx.Router) -> None:
        self._transport = httpx.MockTransport(router.async_handler)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        waits = {"timeout": {"read": silence}}
        request = httpx.Request(method, url, headers=headers, content=content, extensions=waits)
        try:
            return _PlayedReply(await self._transport.handle_async_request(request))
        except httpx.ReadTimeout:
            raise late() from None
        except httpx.TransportError:
            raise unreachable() from None


class _PlayedReply:
    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = dict(response.headers)
        self._response = response

    async def read(self) -> bytes:
        try:
            return await self._response.aread()
        except httpx.TimeoutException:
            raise late() from None
        except httpx.TransportError:
            raise lost() from None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        try:
            async for block in self._response.aiter_bytes():
                yield block
        except httpx.TimeoutException:
            raise UpstreamStreamBroken("LiteLLM fell silent in the middle of its answer.") from None
        except httpx.TransportError:
            raise lost() from None

    async def aclose(self) -> None:
        await self._response.aclose()
