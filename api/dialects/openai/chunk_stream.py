"""What holds of the chunks of a chat or text completion as a whole: one head, one end for each choice, and something said.

LiteLLM makes up an end of `stop` for a stream that its provider left without one, and an id for each chunk that has none.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic_core import from_json

from api.dialects.openai.failures import raise_failure
from api.dialects.openai.streams import before_failure
from api.errors import NothingAnswered, UpstreamStreamBroken

Chunk = dict[str, Any]

_HEAD: Final = ("id", "created", "model")
_MADE_UP: Final = "stop"


class ChunkStream:
    """Takes events and gives chunks. The ends of choices and the chunk with the usage are held back until the stream has ended.

    `restore` is the contract's of one chunk.
    """

    def __init__(self, restore: Callable[..., None], *, own_fields: bool = False, usage_asked: bool = False) -> None:
        self._restore = restore
        self._options = {"own_fields": own_fields, "usage_asked": usage_asked}
        self._head: Chunk = {}
        self._indices: set[int] = set()
        self._ends: dict[int, Chunk] = {}
        self._usage_chunk: Chunk | None = None
        self._evidence = _Evidence()

    @property
    def is_open(self) -> bool:
        """Whether no choice has come to its end."""
        return not self._ends

    def take(self, events: bytes) -> Iterator[list[Chunk]]:
        """The chunks of these events that can be handed on now, restored; those before a failure first, then the failure.

        Raises:
            APIError: the provider says that it failed, or sent what is no chunk.
        """
        return before_failure(self._taken, events)

    def end(self) -> list[Chunk]:
        """The chunks that the stream ends with, once there are no more events.

        Raises:
            NothingAnswered, UpstreamStreamBroken: LiteLLM calls it complete, but it is not.
        """
        if self._ends and all(_finish(end) == _MADE_UP for end in self._ends.values()):
            self._evidence.weigh(several=len(self._indices) > 1)
        return [*self._ends.values(), *([self._usage_chunk] if self._usage_chunk is not None else [])]

    def _taken(self, chunk: Chunk) -> Chunk | None:
        raise_failure(chunk)
        usage = chunk.get("usage")
        self._restore(chunk, **self._options)
        for name in _HEAD:
            if chunk.get(name) is not None:
                chunk[name] = self._head.setdefault(name, chunk[name])
        self._evidence.usage(usage)
        choices = chunk.get("choices")
        if choices:
            chunk["choices"] = [choice for choice in choices if self._is_for_now(chunk, choice)]
        if chunk.get("choices") or not (choices or usage):
            return chunk
        # Where the gateway alone asked for the usage, nothing is left of its chunk.
        self._usage_chunk = chunk if chunk.get("usage") else self._usage_chunk
        return None

    def _is_for_now(self, chunk: Chunk, choice: Chunk) -> bool:
        """Not the end of a choice, which waits; not what comes after it, unless it may be another's.

        Of several choices LiteLLM tells one end only, and as that of the first: what comes after it is kept.
        """
        index = choice.get("index", 0)
        self._indices.add(index)
        if index in self._ends:
            choice["finish_reason"] = None
            return len(self._indices) > 1 and self._evidence.choice(chunk, choice)
        if choice.get("finish_reason") is None:
            self._evidence.choice(chunk, choice)
            return True
        self._evidence.last(chunk, choice)
        self._ends[index] = {**chunk, "choices": [choice]} | ({"usage": None} if "usage" in chunk else {})
        return False


class _Evidence:
    """What tells an answer that its provider ended from one that LiteLLM did."""

    def __init__(self) -> None:
        self._opened = self._said = self._told_tier = self._tier_at_the_end = False
        self._usage: Chunk = {}
        self._arguments: dict[Any, list[str]] = {}

    def usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage = usage

    def choice(self, chunk: Chunk, choice: Chunk) -> bool:
        """Takes in a choice of a chunk; does it say anything?"""
        self._opened = True
        self._told_tier = self._told_tier or bool(chunk.get("service_tier"))
        return self._says(choice)

    def last(self, chunk: Chunk, choice: Chunk) -> None:
        """Takes in the end of a choice, which may say something too."""
        self._tier_at_the_end = self._tier_at_the_end or bool(chunk.get("service_tier"))
        self._says(choice)

    def weigh(self, *, several: bool) -> None:
        """Raises where the end can be none of the provider's."""
        if not self._said and not self._is_empty_on_purpose():
            raise NothingAnswered
        if not several and any(map(_is_cut, self._arguments.values())):
            raise UpstreamStreamBroken("The provider's answer broke off inside of a tool call.")
        if self._told_tier and not self._tier_at_the_end and not self._provider_told_usage():
            raise UpstreamStreamBroken("The provider's answer broke off.")

    def _says(self, choice: Chunk) -> bool:
        delta = choice.get("delta") or {}
        said = bool(choice.get("text")) or any(value for name, value in delta.items() if name != "role")
        self._said = self._said or said
        for call in delta.get("tool_calls") or ():
            function = call.get("function")
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if arguments and isinstance(arguments, str):
                self._arguments.setdefault((choice.get("index", 0), call.get("index", 0)), []).append(arguments)
        return said

    def _is_empty_on_purpose(self) -> bool:
        """Did the provider count what it used for an answer of nothing? Anthropic's alone does not open one with a role."""
        used = bool(self._usage.get("completion_tokens"))
        if not self._opened:
            return used and "cache_creation_input_tokens" in self._usage
        return used or self._provider_told_usage()

    def _provider_told_usage(self) -> bool:
        """LiteLLM counts the tokens of a stream whose provider does not, but knows no details of a prompt."""
        return self._usage.get("prompt_tokens_details") is not None


def _finish(end: Chunk) -> Any:
    return end["choices"][0].get("finish_reason")


def _is_cut(arguments: list[str]) -> bool:
    """Do these pieces begin a JSON value without ending it?"""
    try:
        from_json("".join(arguments))
    except ValueError:
        return True
    return False
