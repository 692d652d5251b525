"""What LiteLLM says of its models, kept for a short while."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.errors import APIError

_log = logging.getLogger(__name__)

KEPT_FOR = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model can do, in LiteLLM's words."""

    name: str
    supports_response_schema: bool
    supports_response_format: bool

    @classmethod
    def from_litellm(cls, entry: Mapping[str, Any]) -> "ModelInfo":
        """One entry of LiteLLM's `/v1/model/info`."""
        known = entry.get("model_info") or {}
        return cls(
            name=entry["model_name"],
            supports_response_schema=bool(known.get("supports_response_schema")),
            supports_response_format="response_format" in (known.get("supported_openai_params") or ()),
        )


class ModelCatalog:
    """Asks LiteLLM at most once in KEPT_FOR seconds. `fetch` gives the body of `/v1/model/info`."""

    def __init__(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        self._fetch = fetch
        self._models: dict[str, ModelInfo] = {}
        self._expires = 0.0

    async def find(self, name: str) -> ModelInfo | None:
        """What is known of the model; None when LiteLLM lists no such name, or has not said yet what it lists."""
        if time.monotonic() >= self._expires:
            try:
                await self._refresh()
            except APIError as error:
                # The call that follows will fail on its own if LiteLLM is down; not knowing a model is no reason to.
                _log.warning("LiteLLM did not say what its models can do: %s", error.message)
        return self._models.get(name)

    async def _refresh(self) -> None:
        listed = (await self._fetch()).get("data", [])
        self._models = {entry["model_name"]: ModelInfo.from_litellm(entry) for entry in listed}
        self._expires = time.monotonic() + KEPT_FOR
