"""The tools that a server lists, read one by one: what one of them lacks hides no other."""

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError

from api.tools.mcp_fate import Fate, fate_of
from api.tools.mcp_wire import original
from api.tools.schema import Check, ToolSchemaError, compile_schema
from api.tools.tool import MAX_TOOLS, MAX_TOOLS_CHARACTERS

logger = logging.getLogger(__name__)

MAX_PAGES = 100
# For all pages together; a page has the client's own limit as well.
LIST_SECONDS = 30.0
# What comes later is not even looked at: nobody has so many tools.
MAX_READ = 10_000
MAX_NAME_CHARACTERS = 128
MAX_DESCRIPTION_CHARACTERS = 10_000
# Of those that are left out, so many are named with the reason.
MAX_LEFT_OUT = 100


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server lists it. `repeatable` is the server's word for it that a call may be sent twice."""

    name: str
    description: str
    input_schema: dict[str, Any]
    check: Check
    output_check: Check | None = None
    repeatable: bool = False

    @property
    def characters(self) -> int:
        """About how much of a prompt it takes."""
        return len(self.name) + len(self.description) + len(json.dumps(self.input_schema, ensure_ascii=False))


@dataclass(slots=True)
class Listing:
    """A server's tools, and by name those that cannot be offered, with the reason."""

    tools: dict[str, ListedTool] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    before: "Listing | None" = None
    deadline: float = field(default_factory=lambda: time.monotonic() + LIST_SECONDS)
    _raw: dict[str, Any] = field(default_factory=dict)
    _characters: int = 0
    _number: int = 0

    def known(self, name: str, raw: dict[str, Any]) -> ListedTool | None:
        """The tool, if it was listed in the same words."""
        return self.tools[name] if self._raw.get(name) == raw else None

    @property
    def late(self) -> bool:
        """Whether no more is to be read."""
        return time.monotonic() > self.deadline or self._number > MAX_READ

    def add(self, raw: Any, accepted: set[str], wanted: Callable[[str], bool]) -> None:
        """Reads one tool. `accepted` are the names that the client has taken."""
        self._number += 1
        if self._number > MAX_READ:
            return
        try:
            name = _name(raw)
        except _UnusableError as problem:
            self.leave_out(f"tool {self._number} of the list", str(problem))
            return
        if not wanted(name) or self._raw.get(name) == raw:
            return
        try:
            self._take(name, raw, accepted)
        except (_UnusableError, ToolSchemaError) as problem:
            self.leave_out(name, str(problem))

    def _take(self, name: str, raw: dict[str, Any], accepted: set[str]) -> None:
        if name in self.tools:
            raise _UnusableError("it is listed twice, and not in the same words; the first is the one that counts")
        if name not in accepted:
            raise _UnusableError("its x-mcp-header is not valid")
        if self.late:
            raise _UnusableError(f"the server's list could not be read to its end within {LIST_SECONDS:g} s")
        if len(self.tools) >= MAX_TOOLS:
            raise _UnusableError(f"the server has more than {MAX_TOOLS} tools; name those you need in allowed_tools")
        tool = (self.before.known(name, raw) if self.before else None) or _tool(name, raw)
        if self._characters + tool.characters > MAX_TOOLS_CHARACTERS:
            raise _UnusableError(
                f"the server's tools are longer than {MAX_TOOLS_CHARACTERS:,} characters together; "
                "name those you need in allowed_tools"
            )
        self._characters += tool.characters
        self.tools[name], self._raw[name] = tool, raw

    def leave_out(self, name: str, reason: str) -> None:
        """Notes that a tool is not offered, and why."""
        if len(self.left_out) < MAX_LEFT_OUT:
            self.left_out[name] = reason


class _UnusableError(ValueError):
    """The tool cannot be offered; the message is the reason."""


async def list_tools(client: Client, allowed: frozenset[str] | None, before: Listing) -> Listing:
    """All pages of the server's tools that are allowed. Reading their schemas does not stop the event loop.

    Tools that were listed in the same words before are not read again.
    """
    listing = Listing(before=before)
    seen: set[str] = set()
    cursor: str | None = None
    for page_number in range(MAX_PAGES):
        try:
            page = await client.list_tools(cursor=cursor)
        except MCPError as problem:
            if page_number == 0 or fate_of(problem.error) in (Fate.NOT_SENT, Fate.UNKNOWN):
                raise
            logger.warning("page %d of a server's tools cannot be read: %s", page_number + 1, problem.message)
            break
        raw, accepted = original(page.meta)["tools"], {tool.name for tool in page.tools}
        try:
            await asyncio.to_thread(_read, listing, raw, accepted, lambda name: allowed is None or name in allowed)
        except asyncio.CancelledError:
            listing.deadline = 0.0  # The thread goes on by itself; there is no need for it to.
            raise
        cursor = page.next_cursor
        if not cursor or cursor in seen or listing.late:
            break
        seen.add(cursor)
    listing.before = None
    return listing


def _read(listing: Listing, page: Iterable[Any], accepted: set[str], wanted: Callable[[str], bool]) -> None:
    for raw in page:
        listing.add(raw, accepted, wanted)


def _name(raw: Any) -> str:
    if not isinstance(raw, dict):
        raise _UnusableError("it is not an object")
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        raise _UnusableError("it has no name" if name in (None, "") else "its name is not a text")
    if len(name) > MAX_NAME_CHARACTERS:
        raise _UnusableError(f"its name is {len(name):,} characters long, and {MAX_NAME_CHARACTERS} are the most")
    if not name.isprintable() or name != name.strip():
        raise _UnusableError(f"its name, {name!r}, holds characters that no name can have")
    return name


def _tool(name: str, raw: dict[str, Any]) -> ListedTool:
    schema = _input_schema(raw)
    hints = raw.get("annotations")
    return ListedTool(
        name,
        _description(raw.get("description")),
        schema,
        compile_schema(schema),
        _output_check(raw.get("outputSchema")),
        # idempotentHint has a meaning only where readOnlyHint is false: what changes nothing may be repeated anyway.
        isinstance(hints, dict) and (hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True),
    )


def _input_schema(raw: dict[str, Any]) -> dict[str, Any]:
    schema = raw.get("inputSchema")
    if not isinstance(schema, dict):
        raise _UnusableError("it has no inputSchema" if schema is None else "its inputSchema is not an object")
    kind = schema.get("type", "object")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        raise _UnusableError(f"its inputSchema is for {str(kind)[:100]!r}, and arguments are always an object")
    return schema


def _description(said: Any) -> str:
    description = inspect.cleandoc(said[: 2 * MAX_DESCRIPTION_CHARACTERS]) if isinstance(said, str) else ""
    if len(description) <= MAX_DESCRIPTION_CHARACTERS:
        return description
    return f"{description[:MAX_DESCRIPTION_CHARACTERS]} [cut: the rest is left out]"


def _output_check(schema: Any) -> Check | None:
    """None where there is nothing to check an answer against, or nothing usable."""
    if not isinstance(schema, dict):
        return None
    try:
        return compile_schema(schema)
    except ToolSchemaError:
        return None
