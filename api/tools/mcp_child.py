"""An MCP server that is a program of its own: started, talked to line by line, and ended with everything it started.

The official client's own transport keeps whatever a program writes until a line ends, however long that takes, and does
not say which call an unreadable line was the answer to. Here a line is as bounded as an answer over HTTP.
"""

import asyncio
import logging
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from api.tools.mcp_config import StdioTarget
from api.tools.mcp_envelope import MAX_RESULT_BYTES, MAX_RESULT_PARTS, has_too_many_parts, mended
from api.tools.mcp_fate import too_long
from api.tools.mcp_wire import Streams

logger = logging.getLogger(__name__)

# How long a program has to leave by itself once its input has ended, and again after SIGTERM; then comes SIGKILL.
LEAVE_SECONDS = 2.0
_CHUNK_BYTES = 65_536
# Enough of a line's beginning and end to find the id in, which is where libraries put it.
_EDGE_BYTES = 200
_ID_FIRST = re.compile(rb'^\s*\{(?:\s*"jsonrpc"\s*:\s*"2\.0"\s*,)?\s*"id"\s*:\s*("[^"\\]*"|\d+)\s*,')
_ID_LAST = re.compile(rb',\s*"id"\s*:\s*("[^"\\]*"|\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')
Heard = SessionMessage | Exception


class LineTooLongError(Exception):
    """The program wrote a line that is too long to be read, and does not show which call it answers."""


@asynccontextmanager
async def child(target: StdioTarget, most: int = MAX_RESULT_BYTES) -> AsyncIterator[Streams]:
    """The streams of a program that runs while this lasts. Raises OSError if it cannot be started."""
    process = await _started(target)
    if process.stdin is None or process.stdout is None:
        raise OSError("the program has no input or output")
    heard, incoming = anyio.create_memory_object_stream[Heard](0)
    outgoing, to_say = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_hear(process.stdout, heard, most)),
                group.create_task(_say(process.stdin, to_say, heard)),
            ]
            try:
                yield incoming, outgoing
            finally:
                for stream in (incoming, outgoing, heard, to_say):
                    stream.close()
                await asyncio.shield(_end(process))
                for task in tasks:
                    task.cancel()
    finally:
        _kill(process, signal.SIGKILL)
        # Whoever is cancelled on the way waits too: a program that nobody has seen end stays in the system's list.
        await _ended(process)
        # Nothing public closes what a grandchild may still hold open.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


async def _started(target: StdioTarget) -> Process:
    secrets = {name: value.get_secret_value() for name, value in (target.environment or {}).items()}
    return await asyncio.create_subprocess_exec(
        target.command,
        *target.args,
        stdin=PIPE,
        stdout=PIPE,
        # The process's own standard error, whatever stands in for it in this interpreter: a child needs a real file.
        stderr=sys.__stderr__ or sys.stderr,
        env=get_default_environment() | secrets,
        start_new_session=True,
    )


async def _say(
    stdin: asyncio.StreamWriter,
    messages: MemoryObjectReceiveStream[SessionMessage],
    heard: MemoryObjectSendStream[Heard],
) -> None:
    try:
        async for message in messages:
            stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()
    except (OSError, anyio.ClosedResourceError):
        heard.close()  # It no longer listens: what waits for an answer waits in vain.


async def _hear(stdout: asyncio.StreamReader, heard: MemoryObjectSendStream[Heard], most: int) -> None:
    try:
        async with heard:
            async for line in _lines(stdout, most):
                if line.strip():
                    await heard.send(_message(line))
    except LineTooLongError as problem:
        logger.warning("MCP server %s", problem)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    # Whoever waits to write cannot read that it is over.
    while await stdout.read(_CHUNK_BYTES):
        pass


async def _lines(output: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    """Whole lines, in place of one that is too long the answer that says so."""
    line = _Line(most)
    while chunk := await output.read(_CHUNK_BYTES):
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            line.add(end)
            yield line.whole()
            line = _Line(most)
        line.add(rest)


class _Line:
    """A line as far as it has come; of one that is too long, its beginning and end alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self._beginning = self._end = b""

    def add(self, part: bytes) -> None:
        self._size += len(part)
        self._beginning += part[: _EDGE_BYTES - len(self._beginning)]
        self._end = (self._end + part[-_EDGE_BYTES:])[-_EDGE_BYTES:]
        if self._size <= self._most:
            self._parts.append(part)
        else:
            self._parts.clear()

    def whole(self) -> bytes:
        if self._size <= self._most:
            return b"".join(self._parts)
        why = f"its answer is longer than {self._most:,} bytes, the most that is read"
        return _instead(self._beginning, self._end, why)


def _instead(beginning: bytes, end: bytes, why: str) -> bytes:
    found = _ID_FIRST.search(beginning[:_EDGE_BYTES]) or _ID_LAST.search(end[-_EDGE_BYTES:])
    if found is None:
        raise LineTooLongError(f"wrote a message that is no use: {why}")
    identity = found[1].decode("utf-8", "replace")
    return too_long(why, int(identity) if identity.isdigit() else identity.strip('"'))


def _message(line: bytes) -> Heard:
    """The message, or what is wrong with it."""
    if has_too_many_parts(line):
        line = _instead(line, line, f"its answer has more than {MAX_RESULT_PARTS:,} parts, the most that are read")
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(mended(line), by_name=False))
    except ValueError as problem:
        logger.debug("an MCP server's program wrote a line that is no message: %s", str(line[:_EDGE_BYTES]))
        return problem


async def _end(process: Process) -> None:
    if process.stdin:
        process.stdin.close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL):
        if sign is not None:
            _kill(process, sign)
        if await _ended(process):
            return


async def _ended(process: Process) -> bool:
    """Whether it ends soon. Not by waiting for it: that waits for whatever else has its output open, too."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return process.returncode is not None


def _kill(process: Process, sign: signal.Signals) -> None:
    """Sends the signal to the program and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, sign)
