"""Reads config/memory_routing.yaml: the rules by which a request's memory user is found."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from api import config_file
from api.config import Settings, is_done_without
from api.config_file import ConfigFile
from api.memory.header_patterns import HeaderPattern, PatternError, compiled
from api.memory.memory_routing import NO_MEMORY, Heard, MemoryRouting, Rules, Service

SETTING = "MEMORY_ROUTING_CONFIG_PATH"
MAX_PATTERNS = 100
_SECRET = re.compile(r"authorization|proxy-authorization|cookie|x-api-key")
_OURS = re.compile(r"x-(litellm|routing|stainless)-.*|x-(api-key|request-id|trace-id|session-id)|x-claude-code-.*")
_FORBIDDEN = "extra_forbidden"
_MENDS = {
    "enabled": "true or false",
    "header": "a header's name, such as x-memory-user-id, and none that holds a secret",
    "patterns": f"a list of at most {MAX_PATTERNS}, each with header, pattern and user_id",
    "pattern": "a regular expression as RE2 has it, of 1 to 1000 characters",
    "user_id": "1 to 200 visible ASCII characters without spaces, with {1} where the pattern's first group belongs",
    "listen_to": "allowed or everyone",
    "body_user": "nobody, allowed or everyone",
    "default": "1 to 200 visible ASCII characters without spaces, or leave it out for no memory",
    "upstream": "models, user_header and session_header",
    "models": "all, or a list of models' names; a * at the end of a name stands for anything",
    "user_header": "a header's name that starts with x- and is none of this server's or LiteLLM's own",
    "session_header": "a header's name that starts with x- and is none of this server's or LiteLLM's own",
    "answer_headers": "a list of headers' names that start with x-; a * at the end stands for anything",
    _FORBIDDEN: "one of enabled, header, patterns (header, pattern, user_id, listen_to), body_user, default, "
    "upstream (models, user_header, session_header) and answer_headers, each in its place",
}


def _no_secret(name: str) -> str:
    if _SECRET.fullmatch(name):
        raise ValueError("holds a secret, which must not become the name of a user")
    return name


def _not_ours(name: str) -> str:
    if _OURS.fullmatch(name):
        raise ValueError("is one of this server's or LiteLLM's own")
    return name


_Lower = BeforeValidator(lambda name: name.lower() if isinstance(name, str) else name)
_Read = Annotated[str, _Lower, Field(pattern=r"^[a-z0-9_-]{1,100}$"), AfterValidator(_no_secret)]
_Sent = Annotated[str, _Lower, Field(pattern=r"^x-[a-z0-9-]{1,100}$"), AfterValidator(_not_ours)]
_Returned = Annotated[str, _Lower, Field(pattern=r"^x-[a-z0-9-]{1,100}\*?$"), AfterValidator(_not_ours)]
_UserId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
_Model = Annotated[str, Field(min_length=1, max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Listened(StrEnum):
    ALLOWED = "allowed"
    EVERYONE = "everyone"


class _Pattern(_Part):
    header: _Read
    pattern: Annotated[str, Field(min_length=1, max_length=1_000)]
    user_id: _UserId
    listen_to: _Listened | None = None

    def heard(self, pattern: HeaderPattern) -> Heard:
        """What a sender writes into a header counts from those who may choose; that a client is the one it is, from all."""
        everyone = not pattern.sender_chooses if self.listen_to is None else self.listen_to is _Listened.EVERYONE
        return Heard(pattern, everyone)


class _Upstream(_Part):
    models: Literal["all"] | tuple[_Model, ...] = ()
    user_header: _Sent = "x-sm-user-id"
    session_header: _Sent | None = "x-sm-conversation-id"

    def service(self, answer_headers: tuple[str, ...]) -> Service:
        models = ("*",) if self.models == "all" else self.models
        return Service(self.user_header, self.session_header, models, answer_headers)


class _File(_Part):
    enabled: Annotated[bool, Strict()]
    header: _Read | None = "x-memory-user-id"
    patterns: Annotated[tuple[_Pattern, ...], Field(max_length=MAX_PATTERNS)] = ()
    body_user: Literal["nobody", "allowed", "everyone"] = "nobody"
    default: _UserId | None = None
    upstream: _Upstream = _Upstream()
    answer_headers: tuple[_Returned, ...] = ()


def open_memory_routing(settings: Settings) -> MemoryRouting:
    """Those of the settings.

    Raises:
        ConfigFileError: the file of rules cannot be used.
    """
    path = settings.memory_routing_config_path
    return NO_MEMORY if is_done_without(path) else load_memory_routing(path)


def load_memory_routing(path: Path) -> MemoryRouting:
    """The rules of the file.

    Raises:
        ConfigFileError: with all that is wrong.
    """
    file = config_file.read(path, SETTING)
    said = config_file.validated(file, _File, _MENDS)
    patterns = _patterns(file, said.patterns)
    if not said.enabled:
        return MemoryRouting(None, said.header)
    heard_from = None if said.body_user == "nobody" else said.body_user == "everyone"
    rules = Rules(patterns, heard_from, said.default, said.upstream.service(said.answer_headers))
    return MemoryRouting(rules, said.header)


def _patterns(file: ConfigFile, entries: tuple[_Pattern, ...]) -> tuple[Heard, ...]:
    found: list[Heard] = []
    problems: list[str] = []
    for at, entry in enumerate(entries):
        try:
            found.append(entry.heard(compiled(entry.header, entry.pattern, entry.user_id)))
        except PatternError as problem:
            field, _, what = str(problem).partition(": ")
            problems.append(file.mistake(("patterns", at, field), what))
    if problems:
        raise config_file.unusable(file.path, problems)
    return tuple(found)
