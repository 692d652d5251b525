"""Requests of Anthropic's Messages API: what this server itself reads of them is checked, all else is handed on as it came."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, Tag

from api.protocol import StreamableModel, either


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Block(_Open):
    """A block of content: text, an image, a call of a tool, what it gave back, thinking, and what is yet to come."""

    type: Annotated[str, Strict(), Field(min_length=1)]


_Text = Annotated[str, Tag("<text>")]
_Blocks = Annotated[list[Block], Tag("<array>")]
_Null = Annotated[None, Tag("<null>")]
_Object = Annotated[dict[str, Any], Tag("<object>")]


class MessageParam(_Open):
    """A turn of the conversation."""

    role: Annotated[str, Strict(), Field(min_length=1)]
    content: Annotated[_Text | _Blocks, either("a string or an array of blocks")]


class CountTokensRequest(StreamableModel):
    """A request to count the tokens of a request."""

    messages: Annotated[list[MessageParam], Field(min_length=1)]
    system: Annotated[_Text | _Blocks | _Null, either("a string or an array of blocks")] = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None


class MessagesRequest(CountTokensRequest):
    """A request for a message."""

    max_tokens: Annotated[int, Strict(), Field(ge=0)]
    stop_sequences: list[Annotated[str, Strict()]] | None = None
