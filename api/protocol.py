"""Wire names and types: our own headers, and what a request must at least be. All else is handed on as it came; LiteLLM decides."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

ROUTING_MODE_HEADER = "X-Routing-Mode"
SESSION_ID_HEADER = "X-Session-ID"
PROVIDER_FIELDS_HEADER = "X-Provider-Specific-Fields"


class RoutingMode(StrEnum):
    """Who answers: the model itself, the reasoning agent, or whichever of the two a classifier picks."""

    PASSTHROUGH = "passthrough"
    REASONING = "reasoning"
    AUTO = "auto"


class WireModel(BaseModel):
    """A request: the fields that this server itself reads are checked, all others are handed on as they came."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Strict(), Field(min_length=1)]
    metadata: dict[str, Any] | None = None


class StreamableModel(WireModel):
    """A request whose answer can be streamed."""

    stream: Annotated[bool, Strict()] | None = None


_TEXTS = "a string, an array of strings, or tokens as integers"
_Tokens = Annotated[list[Annotated[int, Strict()]], Field(min_length=1)]


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Annotated[str, Strict(), Field(min_length=1)]


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: Annotated[bool, Strict()] | None = None


class ChatCompletionRequest(StreamableModel):
    """A chat completion request."""

    messages: Annotated[list[Message], Field(min_length=1)]
    stream_options: StreamOptions | None = None


def _one_prompt(prompt: str | list[str]) -> str | list[str]:
    """OpenAI answers each prompt with a choice of its own; LiteLLM would make one conversation of them all."""
    if isinstance(prompt, list) and len(prompt) > 1:
        raise PydanticCustomError(
            "several_prompts", f"this server answers one prompt a request, so send each of the {len(prompt)} by itself"
        )
    return prompt


class CompletionRequest(StreamableModel):
    """A text completion request."""

    # OpenAI takes tokens too; LiteLLM fails on them with a 500.
    prompt: Annotated[
        str | Annotated[list[str], Field(min_length=1)],
        AfterValidator(_one_prompt),
        Field(description="a string or an array of strings"),
    ]
    stream_options: StreamOptions | None = None


class EmbeddingRequest(WireModel):
    """An embedding request; there is nothing to stream."""

    stream: Literal[False] | None = None
    input: Annotated[str | list[str] | _Tokens | list[_Tokens], Field(description=_TEXTS)]


def _not_in_background(background: bool | None) -> bool | None:  # noqa: FBT001
    """Nobody could fetch what becomes of it: responses are answered, not kept."""
    if background:
        raise PydanticCustomError(
            "background", "this server keeps no responses to be fetched later, so leave it out and wait for the answer"
        )
    return background


class ResponseRequest(StreamableModel):
    """A request of the Responses API. `prompt` or `previous_response_id` may say it all: whether they do, LiteLLM decides."""

    background: Annotated[Annotated[bool, Strict()] | None, AfterValidator(_not_in_background)] = None
    input: Annotated[str | list[dict[str, Any]] | None, Field(description="a string or an array of items")] = None
