"""The person whom a body names: OpenAI's `user`, or Anthropic's `metadata.user_id`."""

import json
import re

LONGEST_BODY_USER = 1_000
_USER_ID = re.compile(r"[\x21-\x7e]{1,200}")
# As Claude Code wrote it before it wrote JSON; the account is empty for whoever has none.
_OLDER = re.compile(r"user_(?P<device>[0-9a-f]{64})_account_(?P<account>[0-9a-f-]*)_session_[0-9a-f-]+")


def is_user_id(text: str) -> bool:
    """Whether it can be the id of a memory's user: 1 to 200 visible ASCII characters without spaces."""
    return _USER_ID.fullmatch(text) is not None


def person(body_user: str) -> str | None:
    """Who that is, the same in every session; None if it names nobody who could have a memory.

    Claude Code puts account, device and session into one text. As it stands, each session would be a person of its own.
    """
    if len(body_user) > LONGEST_BODY_USER:
        return None
    if body_user.startswith("{"):
        return _of_json(body_user)
    if older := _OLDER.fullmatch(body_user):
        return older["account"] or older["device"]
    return body_user if is_user_id(body_user) else None


def _of_json(text: str) -> str | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    named = (said.get(name) for name in ("account_uuid", "device_id")) if isinstance(said, dict) else ()
    return next((name for name in named if isinstance(name, str) and is_user_id(name)), None)
