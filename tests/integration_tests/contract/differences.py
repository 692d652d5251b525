"""Where what one side got differs from what the other sent, field by field, and which differences are documented."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Documented = frozenset[tuple[str, str]]


class Difference(NamedTuple):
    """`path` names the field, with `[]` for any place in a list; `kind` is lost, added or changed, and says so of a null."""

    path: str
    kind: str
    sent: Any = None
    got: Any = None


# What no repair of ours can undo, because LiteLLM does not say it anywhere, and what it adds to good purpose: for a stream,
# the cost stands nowhere else. docs/contract.md explains each.
_NULLS_PLAIN = ("annotations", "audio", "function_call", "tool_calls")
_NULLS: Documented = frozenset(
    {
        ("system_fingerprint", "null lost"),
        ("service_tier", "null lost"),
        ("usage.prompt_tokens_details", "null lost"),
        ("usage.completion_tokens_details", "null lost"),
    }
)
ALLOWED_PLAIN: Documented = (
    _NULLS
    | {("model", "changed"), ("choices[].message.refusal", "null added")}
    | {(f"choices[].message.{name}", "null lost") for name in _NULLS_PLAIN}
)
ALLOWED_STREAMED: Documented = _NULLS | {
    ("model", "changed"),
    ("created", "changed"),
    ("choices[].delta.content", "null lost"),
    ("choices[].delta.refusal", "null lost"),
    ("usage.completion_tokens_details", "added"),
    ("usage.completion_tokens_details", "null replaced"),
    ("usage.completion_tokens_details.text_tokens", "added"),
    ("usage.cost", "added"),
    ("x_of_the_provider", "lost"),
    ("choices[].x_of_the_provider", "lost"),
    ("choices[].delta.x_of_the_provider", "lost"),
    ("usage.x_of_the_provider", "lost"),
}
_ALLOWED_WITH_AUDIO: Documented = frozenset(
    {("choices[].index", "changed"), ("system_fingerprint", "lost"), ("service_tier", "lost")}
)
_ALLOWED_AT_THE_END: Documented = frozenset({("choices[].index", "changed")})
# Of requests: `metadata` is told to LiteLLM, with ours; a null in a message, and `stream: false`, say what their absence does; the
# usage of every stream is asked for, since it is charged by it, and told to those who asked.
ALLOWED_ASKED: Documented = frozenset(
    {
        ("metadata", "lost"),
        ("stream", "lost"),
        ("stream_options", "added"),
        ("stream_options.include_usage", "changed"),
        ("messages[].content", "null lost"),
        ("messages[].refusal", "null lost"),
        ("messages[].audio", "null lost"),
    }
)
# Those of the chunks that LiteLLM drops.
DROPPED: Documented = frozenset(
    {
        ("choices[].finish_reason", "lost"),
        ("choices[].delta.role", "lost"),
        ("choices[].delta.content", "lost"),
        ("choices[].delta.refusal", "lost"),
    }
)
# Parsing every vector to take this away would cost more than it is worth.
ALLOWED_EMBEDDING: Documented = frozenset(
    {
        ("usage.completion_tokens", "added"),
        ("usage.completion_tokens_details", "null added"),
        ("usage.prompt_tokens_details", "null added"),
    }
)
# LiteLLM's id of a response says which deployment has it.
ALLOWED_RESPONSE: Documented = frozenset(
    {("id", "changed"), ("model", "changed"), ("user", "null lost"), ("usage.cost", "added")}
)
# LiteLLM makes a text completion of a chat completion: what the older form has no place for is lost.
ALLOWED_COMPLETION: Documented = frozenset(
    {
        ("model", "changed"),
        ("choices[].logprobs", "changed"),
        ("system_fingerprint", "lost"),
        ("system_fingerprint", "null lost"),
        ("service_tier", "lost"),
        ("service_tier", "null lost"),
        ("x_of_the_provider", "lost"),
        ("usage.prompt_tokens_details", "null lost"),
        ("usage.completion_tokens_details", "null lost"),
    }
)
ALLOWED_COMPLETION_STREAMED: Documented = ALLOWED_COMPLETION | {
    ("created", "changed"),
    ("choices[].index", "changed"),
    ("choices[].reasoning_content", "added"),
    ("usage.x_of_the_provider", "lost"),
    ("usage.cost", "added"),
    ("usage.completion_tokens_details", "added"),
    ("usage.completion_tokens_details", "null replaced"),
    ("usage.completion_tokens_details.text_tokens", "added"),
}
# What LiteLLM does not take for something said, once the stream has begun.
_UNHEARD = {"role", "refusal"}


def differences(sent: Any, got: Any, path: str = "") -> Iterator[Difference]:
    """Every field in which they differ; a type that changed is a difference, 1 and 1.0 are not one number."""
    if isinstance(sent, dict) and isinstance(got, dict):
        for name in sent.keys() | got.keys():
            yield from _of_field(name, sent, got, f"{path}.{name}" if path else name)
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for one, other in zip(sent, got, strict=True):
            yield from differences(one, other, f"{path}[]")
    elif type(sent) is not type(got) or sent != got:
        yield Difference(path, "changed" if sent is not None else "null replaced", sent, got)


def unexpected(sent: Any, got: Any, documented: Iterable[tuple[str, str]]) -> list[Difference]:
    """The differences that are not documented."""
    return [found for found in differences(sent, got) if (found.path, found.kind) not in set(documented)]


def allowed_of_chunk(chunk: dict[str, Any]) -> Documented:
    """What may differ in this chunk of a stream: more where it carries audio or ends a choice."""
    [choice] = chunk["choices"] or [{"delta": {}, "finish_reason": None}]
    with_audio = _ALLOWED_WITH_AUDIO if "audio" in choice["delta"] else frozenset()
    return ALLOWED_STREAMED | with_audio | (_ALLOWED_AT_THE_END if choice["finish_reason"] else frozenset())


def handed_on(stream: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The chunks of a stream that LiteLLM hands on, and those it drops: it lets one role and one end through, and no refusal."""
    kept: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    ended = False
    for place, chunk in enumerate(stream):
        [choice] = chunk["choices"] or [{"delta": {"content": "none, but the usage"}, "finish_reason": None}]
        heard = {name for name, value in choice["delta"].items() if value} - _UNHEARD
        ends = choice["finish_reason"] is not None
        is_dropped = ended if ends else place > 0 and not heard
        (dropped if is_dropped else kept).append(chunk)
        ended = ended or ends
    return kept, dropped


def dropped_fields(chunk: dict[str, Any]) -> Iterator[Difference]:
    """What is lost with a chunk: what it said, or why its choice ended."""
    [choice] = chunk["choices"]
    if choice["finish_reason"]:
        yield Difference("choices[].finish_reason", "lost", choice["finish_reason"])
    for name, value in choice["delta"].items():
        if value is not None:
            yield Difference(f"choices[].delta.{name}", "lost", value)


def _of_field(name: str, sent: dict[str, Any], got: dict[str, Any], path: str) -> Iterator[Difference]:
    if name not in got:
        yield Difference(path, "lost" if sent[name] is not None else "null lost", sent[name])
    elif name not in sent:
        yield Difference(path, "added" if got[name] is not None else "null added", got=got[name])
    else:
        yield from differences(sent[name], got[name], path)
