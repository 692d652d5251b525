"""The one AsyncOpenAI, which knows the key, the base URL and the pool, with a way of its own for what is bytes already."""

from collections.abc import Mapping

from openai import AsyncOpenAI

from api.config import Settings
from api.llm.litellm_transport import LiteLLMTransport, Reply, http_client_of


class LiteLLMClient(AsyncOpenAI):
    """The SDK's own methods build requests of typed arguments, and models of their answers. `send` does neither: a request
    that came as JSON is sent as JSON, over the same connections."""

    def __init__(self, settings: Settings, transport: LiteLLMTransport) -> None:
        super().__init__(
            api_key=settings.llm_api_key.get_secret_value(),
            base_url=settings.openai_base_url,
            http_client=http_client_of(transport, settings),
            max_retries=0,  # LiteLLM retries; a second layer would multiply the calls
        )
        self._transport = transport
        self._root = str(self.base_url).rstrip("/")
        self._sent_with = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": self.user_agent,
            **{name.lower(): value for name, value in self.auth_headers.items()},
        }

    async def send(
        self,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        *,
        silence: float | None = None,
        method: str = "POST",
    ) -> Reply:
        """Sends JSON to a path below the base URL. To be closed by whoever asked. Raises as `LiteLLMTransport.post` does."""
        return await self._transport.post(
            self._root + path, headers={**self._sent_with, **headers}, content=content, silence=silence, method=method
        )
