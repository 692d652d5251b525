"""One tool and one call of it: checked, timed, cut to size, and never raising."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from api.tools.schema import Check

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 30.0
MAX_RESULT_CHARACTERS = 20_000
MAX_SCHEMA_IN_ERROR = 2_000
# Of one server, and of all together: each tool stands in the prompt of every step.
MAX_TOOLS = 500
MAX_TOOLS_CHARACTERS = 1_000_000


class ToolFailure(Exception):  # An outcome that the model reads, not a fault of the program.
    """A call that did not work; the message is written for the model that made it."""


class ToolCall(NamedTuple):
    """What a step asks for."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of a call. `duration` is in seconds; `left_out` counts the characters cut from the text or the error."""

    tool: str
    ok: bool
    text: str
    error: str | None = None
    duration: float = 0.0
    left_out: int = 0

    def for_model(self) -> str:
        """The text or the error, with a note of what was left out."""
        kept = self.text if self.ok else self.error or ""
        said = kept if self.ok else f"Error: {kept}"
        if not self.left_out:
            return said
        total = len(kept) + self.left_out
        return f"{said}\n[cut: the last {self.left_out:,} of {total:,} characters are left out]"


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A tool of some server. `call` answers with text or raises ToolFailure; `timeout` is in seconds.

    `idempotent`: a call whose outcome is unknown may be sent again. `check` is the input schema's own; where it is left
    out, making a tool raises ToolSchemaError if the input schema is unusable.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    server: str
    call: Callable[[Mapping[str, Any]], Awaitable[str]]
    idempotent: bool = False
    timeout: float = DEFAULT_TIMEOUT
    max_characters: int = MAX_RESULT_CHARACTERS
    check: "Check | None" = field(default=None, repr=False)
    _check: "Check" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_check", self.check or _compiled(self.input_schema))

    async def run(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Calls the tool once its arguments fit. Every failure becomes a result; only cancellation is raised."""
        started = time.perf_counter()
        try:
            text = await self._checked_call(arguments)
        except ToolFailure as failure:
            error, left_out = self._cut(str(failure))
            return ToolResult(self.name, ok=False, text="", error=error, duration=_since(started), left_out=left_out)
        text, left_out = self._cut(text)
        return ToolResult(self.name, ok=True, text=text, duration=_since(started), left_out=left_out)

    async def _checked_call(self, arguments: Mapping[str, Any]) -> str:
        try:
            async with asyncio.timeout(self.timeout) as limit:
                self._refuse_what_does_not_fit(arguments)
                return await self.call(arguments)
        except TimeoutError:
            if not limit.expired():
                raise ToolFailure(f"{self.name} failed: a time-out within the tool's server") from None
            raise ToolFailure(f"{self.name} gave no answer within {self.timeout:g} s; the call was cancelled") from None
        except ToolFailure:
            raise
        except Exception as problem:
            logger.exception("the call of tool %s failed in an unexpected way", self.name)
            raise ToolFailure(f"{self.name} failed: {type(problem).__name__}") from None

    def _refuse_what_does_not_fit(self, arguments: Mapping[str, Any]) -> None:
        problem, unchecked = self._check(arguments)
        if problem:
            raise ToolFailure(f"{self.name} was not called, its arguments do not fit: {problem}{self._schema_hint()}")
        if unchecked:
            logger.info("the arguments of tool %s are left to its server to check: %s", self.name, unchecked)

    def _schema_hint(self) -> str:
        schema = json.dumps(self.input_schema, ensure_ascii=False)
        return f". Its input schema: {schema}" if len(schema) <= MAX_SCHEMA_IN_ERROR else ""

    def _cut(self, text: str) -> tuple[str, int]:
        kept = text[: self.max_characters]
        return kept, len(text) - len(kept)


async def misfit(name: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    """Why arguments do not fit the schema of a tool that somebody else calls; None if they do, or if that cannot be told."""
    try:
        check = await asyncio.to_thread(_compiled, schema)
    except ValueError:
        return None
    problem, _ = check(arguments)
    return f"{name} was not called, its arguments do not fit: {problem}" if problem else None


def _compiled(schema: Mapping[str, Any]) -> "Check":
    # Imported with the first tool: without any, the start need not take the time of a JSON Schema library.
    from api.tools.schema import compile_schema

    return compile_schema(schema)


def _since(started: float) -> float:
    return time.perf_counter() - started
