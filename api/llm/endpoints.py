"""The paths of both APIs that are handed on, and what each needs on its way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

from api.components import Operation
from api.dialects import anthropic
from api.dialects.openai import (
    contract,
    ends_with_done,
    raise_failure,
    raise_if_empty,
    raise_if_nothing_answered,
    split_at_error,
    without_ours,
)
from api.llm import documented_fields
from api.protocol import ChatCompletionRequest, CompletionRequest, EmbeddingRequest, ResponseRequest, WireModel


class StreamForm(Enum):
    """What the events of a stream are: chunks, or events by name, of a response or of a message."""

    CHUNKS = auto()
    RESPONSE = auto()
    MESSAGE = auto()


def _as_it_is(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`metadata_field` is where LiteLLM reads our attribution: on newer paths `metadata` is the provider's own field.

    `documented` are the fields that go on though LiteLLM reads them too; another dialect brings a list of its own.
    """

    path: str
    operation: Operation
    request: type[WireModel]
    documented: frozenset[str]
    restore_answer: Callable[..., None] = contract.as_it_came
    restore_chunk: Callable[..., None] = contract.as_it_came
    metadata_field: str = "metadata"
    check_answer: Callable[[Any], None] = contract.as_it_came
    """Raises where an answer with 200 is none."""
    stream_form: StreamForm = StreamForm.CHUNKS
    split_at_error: Callable[[bytes], tuple[bytes, bytes | None]] = split_at_error
    """Events → those before the first error, and what that error says."""
    is_complete: Callable[[bytes], bool] = ends_with_done
    """Do these events end with the one that means success?"""
    metadata_fields: frozenset[str] | None = None
    """The fields of `metadata` that LiteLLM lets the provider see, where it takes what its spans say of a call from there too."""
    keeps_a_list: bool = False
    """Does LiteLLM's route drop the fields that it does not know?"""
    without_ours: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_it_is
    """A request → the same without what this server itself has added to the conversation."""
    silence: float | None = None
    """Seconds without an event after which a stream has failed, where that is less than HTTP_READ_TIMEOUT."""

    @property
    def tells_usage_if_asked(self) -> bool:
        """A stream says what it used only to those who ask for it, in `stream_options`; otherwise always."""
        return "stream_options" in self.request.model_fields


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked of a response that its provider has kept: LiteLLM reads what a query would hold from a body."""

    method: str
    below: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    def path(self, litellms_id: str) -> str:
        """Where LiteLLM is asked for it."""
        return f"{RESPONSES.path}/{quote(litellms_id, safe='')}{self.below}"


def _check_choices(answer: Any) -> None:
    raise_failure(answer)
    raise_if_empty(answer)


CHAT_COMPLETIONS = Endpoint(
    "/chat/completions",
    Operation.CHAT,
    ChatCompletionRequest,
    documented_fields.CHAT,
    contract.chat_answer,
    contract.chat_chunk,
    check_answer=_check_choices,
    without_ours=without_ours,
)
COMPLETIONS = Endpoint(
    "/completions",
    Operation.COMPLETION,
    CompletionRequest,
    documented_fields.COMPLETION,
    contract.completion_answer,
    contract.completion_chunk,
    check_answer=_check_choices,
)
EMBEDDINGS = Endpoint("/embeddings", Operation.EMBEDDING, EmbeddingRequest, documented_fields.EMBEDDING)
RESPONSES = Endpoint(
    "/responses",
    Operation.RESPONSE,
    ResponseRequest,
    documented_fields.RESPONSE,
    contract.response_answer,
    contract.response_event,
    metadata_field="litellm_metadata",
    check_answer=raise_if_nothing_answered,
    stream_form=StreamForm.RESPONSE,
    without_ours=without_ours,
)
MESSAGES = Endpoint(
    "/messages",
    Operation.MESSAGES,
    anthropic.MessagesRequest,
    documented_fields.MESSAGES,
    anthropic.message,
    metadata_field="litellm_metadata",
    check_answer=anthropic.raise_failure,
    stream_form=StreamForm.MESSAGE,
    split_at_error=anthropic.split_at_error,
    is_complete=anthropic.ends_with_stop,
    metadata_fields=frozenset({"user_id"}),
    keeps_a_list=True,
    without_ours=anthropic.without_ours,
    silence=240.0,  # Claude Code ends a stream that says nothing for 300
)
COUNT_TOKENS = Endpoint(
    "/messages/count_tokens",
    Operation.COUNT_TOKENS,
    anthropic.CountTokensRequest,
    documented_fields.MESSAGES,
    anthropic.count,
    metadata_field="litellm_metadata",
    without_ours=anthropic.without_ours,
)
