"""Wire types: what a request must at least be. Everything else in a body is handed on as it came; LiteLLM decides on it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict


class RoutingMode(StrEnum):
    """Who answers: the model itself, the reasoning agent, or whichever of the two a classifier picks."""

    PASSTHROUGH = "passthrough"
    REASONING = "reasoning"
    AUTO = "auto"


class WireModel(BaseModel):
    """A request: the fields that this server itself reads are checked, all others are handed on as they came."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Strict(), Field(min_length=1)]
    stream: Annotated[bool, Strict()] | None = None
    metadata: dict[str, Any] | None = None


_TEXTS = "a string, an array of strings, or tokens as integers"


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Annotated[str, Strict(), Field(min_length=1)]


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: Annotated[bool, Strict()] | None = None


class ChatCompletionRequest(WireModel):
    """A chat completion request."""

    messages: Annotated[list[Message], Field(min_length=1)]
    stream_options: StreamOptions | None = None


class CompletionRequest(WireModel):
    """A text completion request."""

    prompt: Annotated[str | list[str] | list[int] | list[list[int]], Field(description=_TEXTS)]
    stream_options: StreamOptions | None = None


class EmbeddingRequest(WireModel):
    """An embedding request."""

    input: Annotated[str | list[str] | list[int] | list[list[int]], Field(description=_TEXTS)]


class ResponseRequest(WireModel):
    """A request of the Responses API."""

    input: Annotated[str | list[dict[str, Any]], Field(description="a string or an array of items")]
