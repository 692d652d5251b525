"""What LiteLLM leaves out of OpenAI's answers, put back; what it adds of its own, only for those who ask.

It works on plain dictionaries and changes them in place: a stream passes here chunk by chunk. docs/contract.md lists each repair.
What has not even the shape of an answer raises UpstreamStreamBroken, like an answer that is no JSON.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from api.errors import UpstreamStreamBroken

Answer = MutableMapping[str, Any]
Restore = Callable[[Answer], None]

_OWN_FIELDS = "provider_specific_fields"
# LiteLLM writes these into every item of a response, null where the provider has none; a `phase` that is null is no phase.
_NULL_IN_ITEMS = ("caller", "namespace", "phase")
# LiteLLM leaves what is null out of a stream's events, and these out of some plain answers.
_NULLABLE_IN_RESPONSES = (
    "completed_at",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "usage",
)


def chat_answer(answer: Answer, *, own_fields: bool = False) -> None:
    """A chat completion: `refusal`, `content` and `logprobs` are required, though they may be null."""
    for choice in _choices(answer):
        _logprobs(choice)
        _put_back(choice, keep=own_fields)
        message = _object(choice.get("message") or {}, "message")
        _put_back(message, keep=own_fields)
        message.setdefault("refusal", None)
        message.setdefault("content", None)
    _cache_tokens(answer, keep=own_fields)
    _drop_own_fields(answer, keep=own_fields)


def chat_chunk(chunk: Answer, *, own_fields: bool = False, usage_asked: bool = False) -> None:
    """A chat completion chunk: `finish_reason` and `logprobs` are required; the chunk with the usage has no choices.

    Without `usage_asked` the usage is taken out, and of its own chunk nothing is left that a caller would expect.
    """
    _usage(chunk, usage_asked=usage_asked, said=lambda choice: bool(choice.get("delta")))
    for choice in _choices(chunk):
        choice.setdefault("finish_reason", None)
        _logprobs(choice)
        _put_back(choice, keep=own_fields)
        delta = _object(choice.setdefault("delta", {}), "delta")
        _put_back(delta, keep=own_fields)
        for call in _objects(delta.get("tool_calls") or (), "tool_calls"):
            _tool_call(call)
    _cache_tokens(chunk, keep=own_fields)
    _drop_own_fields(chunk, keep=own_fields)


def refusal(message: Mapping[str, Any]) -> str | None:
    """Why the model refused, wherever LiteLLM put it; None if it did not."""
    said = message.get("refusal") or (message.get(_OWN_FIELDS) or {}).get("refusal")
    return None if said is None else str(said)


def completion_answer(answer: Answer, *, own_fields: bool = False) -> None:
    """A text completion: `text` is a string even if the chat completion that it is made of has none; `logprobs` may be null."""
    for choice in _choices(answer):
        if choice.get("text") is None:
            choice["text"] = ""
        choice.setdefault("logprobs", None)
        _drop_own_fields(choice, keep=own_fields)
    _drop_null_details(answer, "prompt_tokens_details", "completion_tokens_details")
    _cache_tokens(answer, keep=own_fields)
    _drop_own_fields(answer, keep=own_fields)


def completion_chunk(chunk: Answer, *, own_fields: bool = False, usage_asked: bool = False) -> None:
    """A text completion chunk: `text`, `finish_reason` and `logprobs` are required; the chunk with the usage has no choices."""
    if not (_object(chunk, "answer").get("usage") or {}).get("total_tokens"):
        # LiteLLM writes a usage of zeros into every chunk that has none.
        chunk.pop("usage", None)
    _usage(chunk, usage_asked=usage_asked, said=lambda choice: bool(choice.get("text")))
    for choice in _choices(chunk):
        choice.setdefault("finish_reason", None)
    completion_answer(chunk, own_fields=own_fields)


def response_answer(answer: Answer, *, own_fields: bool = False) -> None:
    """A response: its fields are required, though many may be null; a null that LiteLLM adds to items or usage is left out."""
    _object(answer, "answer")
    for field in _NULLABLE_IN_RESPONSES:
        answer.setdefault(field, None)
    for item in _objects(answer.get("output") or (), "output"):
        _drop_nulls(item, _NULL_IN_ITEMS)
    _drop_null_details(answer, "input_tokens_details", "output_tokens_details")
    _drop_own_fields(answer, keep=own_fields)


def response_event(happened: Answer, *, own_fields: bool = False, usage_asked: bool = False) -> None:  # noqa: ARG001
    """An event of a response's stream: those that carry the response, or an item of it, carry all of its fields.

    LiteLLM writes the `model` beside some of them, where no event of OpenAI's has one.
    """
    happened.pop("model", None)
    if isinstance(response := happened.get("response"), dict):
        response_answer(response, own_fields=own_fields)
    if isinstance(item := happened.get("item"), dict):
        _drop_nulls(item, _NULL_IN_ITEMS)


def as_it_came(_answer: Answer, **_options: bool) -> None:
    """Nothing is known to be missing."""


def _choices(answer: Answer) -> list[Answer]:
    """What is there may be empty or absent, but not null: an answer without choices has answered nothing."""
    return _objects(_object(answer, "answer").get("choices", []), "choices")


def _objects(value: Any, name: str) -> list[Answer]:
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise UpstreamStreamBroken(f"LiteLLM's answer cannot be read: its `{name}` is no list.")
    return [_object(each, name) for each in value]


def _object(value: Any, name: str) -> Answer:
    if not isinstance(value, dict):
        raise UpstreamStreamBroken(f"LiteLLM's answer cannot be read: its `{name}` holds no object.")
    return value


def _usage(chunk: Answer, *, usage_asked: bool, said: Callable[[Answer], bool]) -> None:
    """Where the usage was asked for, it is null on every chunk but its own, whose empty choice would count as an answer."""
    if chunk.get("usage"):
        chunk["choices"] = [choice for choice in _choices(chunk) if said(choice) or choice.get("finish_reason")]
    if usage_asked:
        chunk.setdefault("usage", None)
    else:
        chunk.pop("usage", None)


def _drop_nulls(part: Answer, names: Iterable[str]) -> None:
    for name in names:
        if part.get(name, ...) is None:
            del part[name]


def _drop_null_details(answer: Answer, *details: str) -> None:
    """LiteLLM writes every detail of a usage that it knows of, null where the provider says nothing."""
    usage = answer.get("usage") or {}
    for part in (*(usage.get(name) or {} for name in details), usage):
        _drop_nulls(part, tuple(part))


def _put_back(part: Answer, *, keep: bool) -> None:
    """What the provider said and LiteLLM has no field for stands among its own fields; a null there says nothing."""
    for name, value in (part.get(_OWN_FIELDS) or {}).items():
        if value is not None:
            part.setdefault(name, value)
    _drop_own_fields(part, keep=keep)


def _logprobs(choice: Answer) -> None:
    """Required, as are both of its lists and each token's bytes; all of them may be null."""
    logprobs = choice.setdefault("logprobs", None)
    if isinstance(logprobs, dict):
        for said in ("content", "refusal"):
            for token in _objects(logprobs.setdefault(said, None) or (), said):
                token.setdefault("bytes", None)
                for other in _objects(token.get("top_logprobs") or (), "top_logprobs"):
                    other.setdefault("bytes", None)


def _tool_call(call: Answer) -> None:
    """Only the chunk that opens a call says of which type it is; LiteLLM repeats it in each."""
    if "id" not in call:
        call.pop("type", None)


def _cache_tokens(answer: Answer, *, keep: bool) -> None:
    """LiteLLM writes OpenAI's `cache_write_tokens` a second time, under Anthropic's name."""
    details = (answer.get("usage") or {}).get("prompt_tokens_details") or {}
    if not keep and "cache_write_tokens" in details:
        details.pop("cache_creation_tokens", None)


def _drop_own_fields(part: Answer, *, keep: bool) -> None:
    if not keep:
        part.pop(_OWN_FIELDS, None)
