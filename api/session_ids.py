"""Which session a request belongs to, and which of its agents asks: in the words of each client that says so by itself."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from api.errors import InvalidHeader
from api.protocol import SESSION_ID_HEADER

# The first that was sent counts. `X-Session-ID` is this server's own, and opencode's.
SESSION_HEADERS = {
    SESSION_ID_HEADER: "this server, opencode",
    "X-Claude-Code-Session-Id": "Claude Code",
    "Session-Id": "Codex",
    "Session_Id": "Codex, as it was",
    "Conversation_Id": "Codex, as it was first",
    "X-OpenWebUI-Chat-Id": "Open WebUI, with ENABLE_FORWARD_USER_INFO_HEADERS",
}
AGENT_HEADER = "X-Claude-Code-Agent-Id"
PARENT_AGENT_HEADER = "X-Claude-Code-Parent-Agent-Id"
_ID = re.compile(rb"[\x21-\x7e]{1,200}")


class SessionIds(NamedTuple):
    """What a request says of itself; its session's first agent has no id."""

    session: str | None = None
    agent: str | None = None
    parent_agent: str | None = None


def session_ids(headers: Mapping[bytes, bytes]) -> SessionIds:
    """Of headers with names in lower case.

    Raises:
        InvalidHeader: one that cannot be used; of the sessions only the one that counts is looked at.
    """
    if _SHOWN.keys().isdisjoint(headers):
        return _NONE
    session = next((_id(headers, name) for name in _SESSIONS if name in headers), None)
    return SessionIds(session, _id(headers, _AGENT), _id(headers, _PARENT))


def _id(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    if not _ID.fullmatch(value):
        shown = _SHOWN[name]
        raise InvalidHeader(f"{shown} must be 1 to 200 visible ASCII characters without spaces.", param=shown)
    return value.decode("ascii")


_SHOWN = {name.lower().encode(): name for name in (*SESSION_HEADERS, AGENT_HEADER, PARENT_AGENT_HEADER)}
_AGENT, _PARENT = AGENT_HEADER.lower().encode(), PARENT_AGENT_HEADER.lower().encode()
_SESSIONS = tuple(name.lower().encode() for name in SESSION_HEADERS)
_NONE = SessionIds()
