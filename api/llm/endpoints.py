"""The paths of OpenAI's API that are handed on, and what each needs on its way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.components import Operation
from api.dialects.openai import contract, raise_failure, raise_if_empty, raise_if_nothing_answered
from api.llm import documented_fields
from api.protocol import ChatCompletionRequest, CompletionRequest, EmbeddingRequest, ResponseRequest, WireModel


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
    named_events: bool = False
    """OpenAI names the events of this stream by their type and ends it without `[DONE]`; LiteLLM does neither."""

    @property
    def tells_usage_if_asked(self) -> bool:
        """A stream says what it used only to those who ask for it, in `stream_options`; otherwise always."""
        return "stream_options" in self.request.model_fields


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
    named_events=True,
)
