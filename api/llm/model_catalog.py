"""What LiteLLM says of its models, kept for a short while, and marked when it has grown stale."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from api.errors import APIError, ModelNotFound, NoModelList, UpstreamStreamBroken, UpstreamTimeout
from api.llm.lookups import Lookups

_log = logging.getLogger(__name__)

KEPT_FOR = 10.0  # seconds; within them LiteLLM is not asked again
FAILURE_KEPT_FOR = 1.5  # seconds; likewise, after it could not be asked
ANSWER_LIMIT = 5.0  # seconds; a request that waits for what a model can do has its own work to get to

# LiteLLM's names on the left, ours on the right: what clients ask for after a model's name.
_EXTRAS = {
    "max_input_tokens": "context_window",
    "max_output_tokens": "max_output_tokens",
    "input_cost_per_token": "input_cost_per_token",
    "output_cost_per_token": "output_cost_per_token",
    "mode": "mode",
}
_LIMITS = ("max_input_tokens", "max_output_tokens")
_PARAMETERS = "supported_openai_params"
# Either may be the name of an answer's longest length.
_LENGTHS = frozenset({"max_tokens", "max_completion_tokens"})
_ABILITIES = ("supports_function_calling", "supports_vision", "supports_response_schema", "supports_reasoning")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model can do, in LiteLLM's words."""

    name: str
    supports_response_schema: bool
    supports_response_format: bool
    supports_reasoning: bool = False
    max_output_tokens: int | None = None
    length_parameters: frozenset[str] = _LENGTHS


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
class Remembered:
    """LiteLLM's last answer to one question, by name. Whoever comes while LiteLLM is being asked waits for that same asking,
    and a failure is told to everyone for a moment: a LiteLLM that hangs is waited for once, not by one after the other."""

    ask: Callable[[], Awaitable[Any]]
    name: str
    answer_limit: float = ANSWER_LIMIT
    entries: dict[str, dict[str, Any]] | None = None
    _told: float = 0.0
    _failure: APIError | None = None
    _failed: float = 0.0
    _asking: asyncio.Task[None] | None = None

    @property
    def age(self) -> float:
        """Seconds since LiteLLM told."""
        return time.monotonic() - self._told

    async def renew(self) -> APIError | None:
        """Sees to it that `entries` are fresh; otherwise says why they are not."""
        if not self._is_settled():
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self._failure

    def _is_settled(self) -> bool:
        if self._failure is not None:
            return time.monotonic() - self._failed < FAILURE_KEPT_FOR
        return self.entries is not None and self.age < KEPT_FOR

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(self.answer_limit):
                answer = await self.ask()
            self.entries = _by_name(answer, self.name)
            self._failure, self._told = None, time.monotonic()
        except TimeoutError:
            self._fails(UpstreamTimeout(f"LiteLLM did not answer within {self.answer_limit:g} s."))
        except APIError as error:
            self._fails(error)

    def _fails(self, error: APIError) -> None:
        self._failure, self._failed = error, time.monotonic()


class ModelCatalog:
    """Asks LiteLLM at most once in KEPT_FOR seconds, and says so when it answers from memory because LiteLLM is down."""

    def __init__(self, lookups: Lookups, answer_limit: float = ANSWER_LIMIT) -> None:
        self._listed = Remembered(lookups.list_models, "id", answer_limit)
        self._described = Remembered(lookups.model_info, "model_name", answer_limit)

    async def all(self) -> ModelList:
        """Every model that this server's key may use, with what LiteLLM knows of it, if it says so.

        Raises:
            NoModelList: LiteLLM cannot be asked, and has never answered.
        """
        failure, _ = await self._renew()
        if self._listed.entries is None:
            raise NoModelList(failure)
        models = [{**model, **_extras(self._info(name))} for name, model in self._listed.entries.items()]
        return ModelList(models, self._listed.age, stale=failure is not None)

    async def get(self, name: str) -> tuple[dict[str, Any], ModelList]:
        """One model, and the list it stands in.

        Raises:
            ModelNotFound: it is not in the list; marked if the list is stale, since it may be new.
        """
        listed = await self.all()
        model = next((model for model in listed.models if model["id"] == name), None)
        if model is None:
            raise ModelNotFound(name, headers=listed.headers)
        return model, listed

    async def names(self) -> Collection[str]:
        """The names that LiteLLM lists; none while it cannot be asked and never has been."""
        await self._listed.renew()
        return self._listed.entries or ()

    async def find(self, name: str) -> ModelInfo | None:
        """What a model can do; None when LiteLLM lists no such name, or has not said yet what it lists."""
        _, failure = await self._renew()
        if failure is not None:
            # The call that follows will fail on its own if LiteLLM is down; not knowing a model is no reason to.
            _log.warning("LiteLLM did not say what its models can do: %s", failure.message)
        known = self._info(name)
        return _abilities(name, known) if known is not None else None

    async def _renew(self) -> tuple[APIError | None, APIError | None]:
        return await asyncio.gather(self._listed.renew(), self._described.renew())

    def _info(self, name: str) -> Mapping[str, Any] | None:
        entry = (self._described.entries or {}).get(name)
        known = None if entry is None else entry.get("model_info")
        return known if isinstance(known, dict) or entry is None else {}


def _by_name(answer: Any, name: str) -> dict[str, dict[str, Any]]:
    """The entries under `data`. LiteLLM lists a model once for each of its deployments, of which any may answer."""
    entries: dict[str, dict[str, Any]] = {}
    try:
        for entry in answer["data"]:
            others = entries.get(str(entry[name]))
            entries[str(entry[name])] = entry if others is None else _common(others, entry)
    except (KeyError, TypeError, AttributeError):
        raise UpstreamStreamBroken("LiteLLM's list of models cannot be read.") from None
    return entries


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What can be said of both deployments."""
    ours, theirs = one.get("model_info") or {}, other.get("model_info") or {}
    return {**other, "model_info": {name: _shared(name, ours.get(name), theirs[name]) for name in theirs}}


def _shared(name: str, one: Any, other: Any) -> Any:
    if one == other:
        return other
    if name in _ABILITIES:
        return bool(one and other)
    if name == _PARAMETERS:
        return [parameter for parameter in other or () if parameter in (one or ())]
    if name in _LIMITS and one and other:
        return min(one, other)
    return None  # such as two prices: which of them it will be is not known


def _abilities(name: str, known: Mapping[str, Any]) -> ModelInfo:
    parameters, longest = known.get(_PARAMETERS) or (), known.get("max_output_tokens")
    return ModelInfo(
        name=name,
        supports_response_schema=bool(known.get("supports_response_schema")),
        supports_response_format="response_format" in parameters,
        supports_reasoning=bool(known.get("supports_reasoning")),
        max_output_tokens=longest if isinstance(longest, int) and longest > 0 else None,
        length_parameters=_LENGTHS.intersection(parameters),
    )


def _extras(known: Mapping[str, Any] | None) -> dict[str, Any]:
    if not known:
        return {}
    named = {ours: known[theirs] for theirs, ours in _EXTRAS.items() if known.get(theirs) is not None}
    return named | {ability: bool(known.get(ability)) for ability in _ABILITIES}
