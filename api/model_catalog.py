"""What LiteLLM says of its models, kept for a short while, and marked when it has grown stale."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.errors import APIError, ModelNotFound, UpstreamTimeout
from api.llm_gateway import LLMGateway

_log = logging.getLogger(__name__)

KEPT_FOR = 10.0  # seconds; within them LiteLLM is not asked again
ANSWER_LIMIT = 5.0  # seconds; a request that waits for what a model can do has its own work to get to

# LiteLLM's names on the left, ours on the right: what clients ask for after a model's name.
_EXTRAS = {
    "max_input_tokens": "context_window",
    "max_output_tokens": "max_output_tokens",
    "input_cost_per_token": "input_cost_per_token",
    "output_cost_per_token": "output_cost_per_token",
    "mode": "mode",
}
_ABILITIES = ("supports_function_calling", "supports_vision", "supports_response_schema", "supports_reasoning")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model can do, in LiteLLM's words."""

    name: str
    supports_response_schema: bool
    supports_response_format: bool


@dataclass(frozen=True, slots=True)
class ModelList:
    """OpenAI's model objects with LiteLLM's extras; `age` is in seconds, `stale` means that LiteLLM could not be asked again."""

    models: list[dict[str, Any]]
    age: float
    stale: bool

    @property
    def headers(self) -> dict[str, str]:
        """What a caller is told of the list's age."""
        told = {"age": str(int(self.age))}
        return told | ({"warning": '110 - "Response is Stale"', "x-models-stale": "true"} if self.stale else {})


@dataclass(slots=True)
class ModelCatalog:
    """Asks LiteLLM at most once in KEPT_FOR seconds, and says so when it answers from memory because LiteLLM is down."""

    gateway: LLMGateway
    _models: list[dict[str, Any]] | None = None
    _abilities: dict[str, ModelInfo] = field(default_factory=dict)
    _asked: float = 0.0
    _one_asks: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def all(self) -> ModelList:
        """Every model that this server's key may use.

        Raises:
            APIError: LiteLLM cannot be asked, and has never answered.
        """
        async with self._one_asks:
            if self._models is not None and self._age() < KEPT_FOR:
                return ModelList(self._models, self._age(), stale=False)
            try:
                return ModelList(await self._refresh(), 0.0, stale=False)
            except APIError:
                if self._models is None:
                    raise
                return ModelList(self._models, self._age(), stale=True)

    async def get(self, name: str) -> tuple[dict[str, Any], ModelList]:
        """One model, and the list it stands in.

        Raises:
            ModelNotFound: it is not in the list.
        """
        listed = await self.all()
        model = next((model for model in listed.models if model["id"] == name), None)
        if model is None:
            raise ModelNotFound(name)
        return model, listed

    async def find(self, name: str) -> ModelInfo | None:
        """What a model can do; None when LiteLLM lists no such name, or has not said yet what it lists."""
        try:
            await self.all()
        except APIError as error:
            # The call that follows will fail on its own if LiteLLM is down; not knowing a model is no reason to.
            _log.warning("LiteLLM did not say what its models can do: %s", error.message)
        return self._abilities.get(name)

    async def _refresh(self) -> list[dict[str, Any]]:
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                listed, described = await asyncio.gather(self.gateway.list_models(), self.gateway.model_info())
        except TimeoutError:
            raise UpstreamTimeout("LiteLLM did not list its models in time.") from None
        info = {entry["model_name"]: entry.get("model_info") or {} for entry in described.get("data", ())}
        self._abilities = {name: _abilities(name, known) for name, known in info.items()}
        self._models = [{**model, **_extras(info.get(model["id"], {}))} for model in listed.get("data", ())]
        self._asked = time.monotonic()
        return self._models

    def _age(self) -> float:
        return time.monotonic() - self._asked


def _abilities(name: str, known: Mapping[str, Any]) -> ModelInfo:
    return ModelInfo(
        name=name,
        supports_response_schema=bool(known.get("supports_response_schema")),
        supports_response_format="response_format" in (known.get("supported_openai_params") or ()),
    )


def _extras(known: Mapping[str, Any]) -> dict[str, Any]:
    named = {ours: known[theirs] for theirs, ours in _EXTRAS.items() if known.get(theirs) is not None}
    return named | {ability: bool(known.get(ability)) for ability in _ABILITIES if known}
