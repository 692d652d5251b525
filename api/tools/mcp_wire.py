"""Between the transport and the client's session: what a server says of its tools is handed round the session's models.

The official client takes a whole list of tools, or a whole result, or nothing: one tool without a schema hides all
others, and a result of a form that it does not know is an error although the tool ran. So the session is given a result
that it takes, in which the server's own lies untouched; `original` takes it out again. The session sees no output schema
either: it would check results in the event loop, for as long as that takes.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    InputRequiredResult,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from mcp_types.methods import validate_server_result
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION
from pydantic import BaseModel, ValidationError, model_serializer

from api.tools.schema_bounds import MAX_SCHEMA_CHARACTERS, TooMuchError, bounded

Incoming = ReadStream[SessionMessage | Exception]
Outgoing = WriteStream[SessionMessage]
Streams = tuple[Incoming, Outgoing]

_ORIGINAL = "reasoning-agent-api/original"
_HEADER = "x-mcp-header"
MAX_CURSOR_CHARACTERS = 10_000


class _Original(BaseModel):
    """Goes through the session's checks by reference, and is nothing when they write it out."""

    value: Any

    @model_serializer
    def _nothing(self) -> None:
        return None


def original(meta: Any) -> dict[str, Any]:
    """The server's own result, from the `_meta` of what the session made of it."""
    kept: _Original = meta[_ORIGINAL]
    value: dict[str, Any] = kept.value
    return value


def round_the_models(streams: Streams, on_end: Callable[[], None]) -> Streams:
    """The same streams, with results that the session might refuse changed. `on_end`: there will be no more messages."""
    incoming, outgoing = streams
    methods: dict[str, str] = {}
    return _Wrapping(incoming, methods, on_end), _Noting(outgoing, methods)


class _Noting:
    """Outgoing messages; notes which request is of which method."""

    def __init__(self, stream: Outgoing, methods: dict[str, str]) -> None:
        self._stream = stream
        self._methods = methods

    async def send(self, item: SessionMessage, /) -> None:
        message = item.message
        if isinstance(message, JSONRPCRequest) and message.method in _WRAPPED:
            self._methods[str(message.id)] = message.method
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._methods.pop(str((message.params or {}).get("requestId")), None)
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class _Wrapping:
    """Incoming messages; says at once when there will be no more, which the client itself tells only to open calls."""

    def __init__(self, stream: Incoming, methods: dict[str, str], on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._methods = methods
        self._on_end = on_end

    @property
    def last_context(self) -> Any:
        """The context that the last message was received in, where the transport knows it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        return self._wrapped(await self._stream.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return self._wrapped(await self._stream.__anext__())
        except StopAsyncIteration:
            self._on_end()
            raise

    def _wrapped(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if isinstance(item, Exception) or not isinstance(item.message, (JSONRPCResponse, JSONRPCError)):
            return item
        method = self._methods.pop(str(item.message.id), None)
        if method is None or isinstance(item.message, JSONRPCError):
            return item
        wrapped = item.message.model_copy(update={"result": _WRAPPED[method](item.message.result)})
        return SessionMessage(wrapped, item.metadata)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _plain_initialize(result: dict[str, Any]) -> dict[str, Any]:
    """All that the session has to know of a server whose protocol it speaks: what else it says of itself may be wrong."""
    if result.get("protocolVersion") not in HANDSHAKE_PROTOCOL_VERSIONS:
        return result
    server = {"name": "server", "version": "unknown"}
    return {"protocolVersion": result["protocolVersion"], "capabilities": {}, "serverInfo": server}


def _wrapped_call(result: dict[str, Any]) -> dict[str, Any]:
    # As an error it is not held against an output schema.
    return result if _asks_for_input(result) else _complete(result, content=[], isError=True)


def _asks_for_input(result: dict[str, Any]) -> bool:
    """Whether the call goes on once it has been answered; the client sees to that."""
    if result.get("resultType") != "input_required":
        return False
    try:
        InputRequiredResult.model_validate(result, by_name=False)
    except ValidationError:
        return False
    return True


def _wrapped_list(result: dict[str, Any]) -> dict[str, Any]:
    tools = result.get("tools")
    if not isinstance(tools, list) and tools is not None:
        return result  # No list at all: the client says so.
    known = [_plain(tool) for tool in tools or [] if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    cursor = result.get("nextCursor")
    usable = isinstance(cursor, str) and len(cursor) <= MAX_CURSOR_CHARACTERS
    return _complete(
        {"tools": tools or []},
        tools=[tool for tool in known if tool],
        **({"nextCursor": cursor} if usable else {}),
    )


def _plain(tool: dict[str, Any]) -> dict[str, Any] | None:
    """What the session has to know of a tool: which of its arguments go into headers, too. None if it could not read that."""
    plain = {"name": tool["name"], "inputSchema": {"type": "object"}}
    schema = tool.get("inputSchema")
    try:
        if not isinstance(schema, dict) or not _has_key(schema, _HEADER):
            return plain
        plain["inputSchema"] = {"type": "object", **bounded(schema)}
        validate_server_result("tools/list", LATEST_MODERN_VERSION, _complete({}, tools=[plain]))
    except TooMuchError:
        return plain  # It will not be offered.
    except ValidationError:
        return None
    return plain


def _has_key(value: Any, key: str) -> bool:
    """Whether the key is anywhere within, as far as a schema that will be read may reach."""
    waiting = [value]
    for _ in range(MAX_SCHEMA_CHARACTERS):
        if not waiting:
            break
        inner = waiting.pop()
        if isinstance(inner, dict) and key in inner:
            return True
        waiting += inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
    return False


def _complete(value: dict[str, Any], **rest: Any) -> dict[str, Any]:
    kept = {"_meta": {_ORIGINAL: _Original.model_construct(value=value)}}
    return {**rest, **kept, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


_WRAPPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "initialize": _plain_initialize,
    "tools/call": _wrapped_call,
    "tools/list": _wrapped_list,
}
