"""What LiteLLM is asked about itself, its models and our key: nothing is charged, nothing attributed."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

import httpx
from openai import AsyncOpenAI

from api.errors import UpstreamStreamBroken
from api.llm.answers import LLMAnswer
from api.llm.upstream_errors import mapped
from api.llm.upstream_headers import handed_on

MODELS: Final = "/models"
MODEL_INFO: Final = "/model/info"
# These stand outside of LiteLLM's `/v1`.
KEY_INFO: Final = "/key/info"
READINESS: Final = "/health/readiness"
COUNTER: Final = "/utils/token_counter"

_COUNTED: Final = ("model", "messages", "system", "tools")


class Lookups:
    """Each method returns the body of LiteLLM's answer, and raises what a call would: see `LLMGateway`."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._root = str(client.base_url).rstrip("/").removesuffix("/v1")

    async def list_models(self) -> Any:
        """The models that this server's key may use: `/v1/models`."""
        return await self._get(MODELS)

    async def model_info(self) -> Any:
        """What LiteLLM knows of each of them: `/v1/model/info`."""
        return await self._get(MODEL_INFO)

    async def key_info(self) -> Any:
        """The row of this server's own key: `/key/info`."""
        return await self._get(f"{self._root}{KEY_INFO}")

    async def readiness(self) -> Any:
        """Whether it can work, its database included: `/health/readiness`."""
        return await self._get(f"{self._root}{READINESS}")

    async def estimate_tokens(self, body: Mapping[str, Any]) -> int:
        """About how many tokens a request of either API's messages has, counted by LiteLLM itself: `/utils/token_counter`."""
        counted = {name: body[name] for name in _COUNTED if body.get(name) is not None}
        answer = await self._told(self._client.post(f"{self._root}{COUNTER}", cast_to=httpx.Response, body=counted))
        total = answer.get("total_tokens") if isinstance(answer, dict) else None
        if not isinstance(total, int):
            raise UpstreamStreamBroken("LiteLLM's count of tokens cannot be read.")
        return total

    async def _get(self, path: str) -> Any:
        return await self._told(self._client.get(path, cast_to=httpx.Response))

    async def _told(self, asking: Awaitable[httpx.Response]) -> Any:
        try:
            response = await asking
        except Exception as error:
            raise mapped(error) from error
        return LLMAnswer(response.content, handed_on(response.headers)).json()
