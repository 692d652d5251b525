"""Wire names and types: our own headers, and what a request must at least be. All else is handed on as it came; LiteLLM decides."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Strict, Tag, model_validator
from pydantic_core import PydanticCustomError

ROUTING_MODE_HEADER = "X-Routing-Mode"
SESSION_ID_HEADER = "X-Session-ID"
PROVIDER_FIELDS_HEADER = "X-Provider-Specific-Fields"
RESUMABLE_HEADER = "X-Reasoning-Resumable"
OUR_SIGNATURE = "raa1."
"""So begins what stands where a provider would sign or encrypt its model's thoughts, if they are this server's."""


class RoutingMode(StrEnum):
    """Who answers: the model itself, the reasoning agent, or whichever of the two a classifier picks."""

    PASSTHROUGH = "passthrough"
    REASONING = "reasoning"
    AUTO = "auto"


def split_mode(name: str) -> tuple[str, RoutingMode | None]:
    """`gpt-4o:reasoning` → `gpt-4o` and the mode; of any other name, itself and None."""
    model, _, said = name.rpartition(":")
    mode = _MODES.get(said.lower()) if model else None
    return (name, None) if mode is None else (model, mode)


_MODES = {mode.value: mode for mode in RoutingMode}

NO_FORM = "no_such_form"
"""The error of a field that may take several forms and has none of them; its message says which these are."""


_FORMS: dict[type, str] = {str: "<text>", list: "<array>", dict: "<object>", type(None): "<null>"}


def form_of(value: Any) -> str:
    """Which of the forms a value has; in the path of an error it is no name of a field."""
    return _FORMS.get(type(value), "")


def either(words: str) -> Discriminator:
    """For a field of several forms, each with a `Tag`; `words` say which these are."""
    return Discriminator(form_of, custom_error_type=NO_FORM, custom_error_message=words)


_Null = Annotated[None, Tag("<null>")]
_Text = Annotated[str, Tag("<text>")]
_Object = Annotated[dict[str, Any], Tag("<object>")]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class WireModel(BaseModel):
    """A request: the fields that this server itself reads are checked, all others are handed on as they came."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Strict(), Field(min_length=1)]
    user: Annotated[str, Strict()] | None = None
    metadata: dict[str, Any] | None = None


class StreamableModel(WireModel):
    """A request whose answer can be streamed."""

    stream: Annotated[bool, Strict()] | None = None


_Texts = Annotated[list[Annotated[str, Strict()]], Tag("<array>")]
_Stop = Annotated[_Text | _Texts | _Null, either("a string or an array of strings")]
_Count = Annotated[int, Strict()]
_TEXTS = "a string, an array of strings, or tokens as integers"
_Tokens = Annotated[list[Annotated[int, Strict()]], Field(min_length=1)]


# What a part of these kinds is, a field of the same name says.
_NAMED_BY_THEIR_FIELD = frozenset({"text", "image_url", "input_audio", "file"})


class Part(_Open):
    """A part of a message's content."""

    type: Annotated[str, Strict()]
    image_url: Annotated[_Text | _Object | _Null, either("a string or an object")] = None

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.type in _NAMED_BY_THEIR_FIELD and getattr(self, self.type, None) is None:
            raise PydanticCustomError(
                "empty_part", "a part of type '{kind}' needs a field `{kind}`", {"kind": self.type}
            )
        return self


class Call(_Open):
    """A call of a tool, as a model made it."""

    function: dict[str, Any] | None = None
    custom: dict[str, Any] | None = None


class Message(_Open):
    role: Annotated[str, Strict(), Field(min_length=1)]
    content: Annotated[
        _Text | Annotated[list[Part], Tag("<array>")] | _Null, either("a string or an array of parts")
    ] = None
    name: Annotated[str, Strict()] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: Annotated[str, Strict()] | None = None


class Function(_Open):
    name: Annotated[str, Strict(), Field(min_length=1)]
    description: Annotated[str, Strict()] | None = None
    parameters: dict[str, Any] | None = None


class Tool(_Open):
    """A tool of a chat completion: providers have kinds of their own, which have no function."""

    type: Annotated[str, Strict()]
    function: Function | None = None


class ResponseFormat(_Open):
    type: Annotated[str, Strict()]
    json_schema: dict[str, Any] | None = None


class StreamOptions(_Open):
    include_usage: Annotated[bool, Strict()] | None = None


class ChatCompletionRequest(StreamableModel):
    """A chat completion request."""

    messages: Annotated[list[Message], Field(min_length=1)]
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = None
    functions: list[Function] | None = None
    tool_choice: Annotated[_Text | _Object | _Null, either("a string or an object")] = None
    response_format: ResponseFormat | None = None
    stop: _Stop = None
    logit_bias: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None


# What is looked at in such a request, but for what `is_plain_chat` looks at itself.
_NOT_PLAIN = frozenset(ChatCompletionRequest.model_fields) - {"model", "messages", "stream"}


def is_plain_chat(body: dict[str, Any]) -> bool:
    """Whether this surely is a `ChatCompletionRequest`: texts alone, as most requests are. Where it is not sure, the model decides,
    whose objects cost several times as much; `test_protocol.py` holds that it never says so of what the model refuses."""
    messages, stream = body.get("messages"), body.get("stream")
    return (
        _NOT_PLAIN.isdisjoint(body)
        and type(model := body.get("model")) is str
        and model != ""
        and (stream is None or type(stream) is bool)
        and type(messages) is list
        and len(messages) > 0
        and all(map(_is_plain_message, messages))
    )


def _is_plain_message(message: Any) -> bool:
    return (
        type(message) is dict
        and len(message) == 2
        and type(role := message.get("role")) is str
        and role != ""
        and type(message.get("content")) is str
    )


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
    stop: _Stop = None


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


class Item(_Open):
    """An item of a response's input; a message has content, others have what is theirs."""

    content: Annotated[
        _Text | Annotated[list[dict[str, Any]], Tag("<array>")] | _Null, either("a string or an array")
    ] = None


class ResponseRequest(StreamableModel):
    """A request of the Responses API. `prompt` or `previous_response_id` may say it all: whether they do, LiteLLM decides."""

    background: Annotated[Annotated[bool, Strict()] | None, AfterValidator(_not_in_background)] = None
    input: Annotated[
        str | list[Item] | None, Field(description="a string or an array of items, whose content is text or parts")
    ] = None
    tools: list[dict[str, Any]] | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
