"""Names that say how a model is to answer, too: `gpt-4o:reasoning`, for clients in which no header can be set."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from api.context import RequestContext, by_name
from api.dependencies import ServiceContainer
from api.llm import ModelList
from api.protocol import RoutingMode, split_mode

# What LiteLLM calls a model's `mode` where it takes part in conversations; what it has not described may.
_CHATTING: Final = frozenset({"chat", "responses", None})
_LISTED: Final = (RoutingMode.REASONING, RoutingMode.AUTO)

Model = dict[str, Any]


async def named_in(body: dict[str, Any], context: RequestContext, services: ServiceContainer) -> RequestContext:
    """The context, with the mode that the model's name asks for; the body then names the model that answers."""
    asked = str(body["model"])
    body["model"], mode = await _meant(asked, services)
    return context if mode is None else by_name(context, asked, mode)


async def model_named(name: str, services: ServiceContainer) -> tuple[Model, ModelList]:
    """The model of this name, and the list it stands in.

    Raises:
        ModelNotFound: there is none.
    """
    model, mode = await _meant(name, services)
    if mode is None:
        return await services.catalog.get(model)
    found, models = await services.catalog.get(model)
    return _in_mode(found, mode), models


def with_their_modes(models: Sequence[Model]) -> list[Model]:
    """The models, each that chats followed by its names that have it reason."""
    taken = {model["id"] for model in models}
    return [
        listed
        for model in models
        for listed in (model, *_modes_of(model))
        if listed is model or listed["id"] not in taken
    ]


async def _meant(name: str, services: ServiceContainer) -> tuple[str, RoutingMode | None]:
    """The model and the mode. What LiteLLM lists, or an alias stands for, is the name of a model as it is."""
    model, mode = split_mode(name)
    if mode is None and not services.aliases.may_replace(name):
        return name, None
    listed = await services.catalog.names()
    meant = services.aliases.of(name, listed)
    if mode is None or meant in listed:
        return meant, None
    return services.aliases.of(model, listed), mode


def _modes_of(model: Model) -> Iterator[Model]:
    if model.get("mode") in _CHATTING and "*" not in model["id"]:
        yield from (_in_mode(model, mode) for mode in _LISTED)


def _in_mode(model: Model, mode: RoutingMode) -> Model:
    return {**model, "id": f"{model['id']}:{mode}"}
