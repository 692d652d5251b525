"""Reads config/callers.yaml: which tokens have a name, and what holds for whoever brings them."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api import config_file
from api.config_file import ConfigFile, Place
from api.context import Caller, Permission
from api.protocol import RoutingMode

SETTING = "CALLERS_CONFIG_PATH"
Digest = bytes
"""A token's SHA-256."""
# What fits a header.
TOKEN = re.compile(r"[!-~]+")
# The form of those who have no name, which nobody may pass for.
_TAKEN = re.compile(r"anonymous|token-[0-9a-f]{12}")
_MENDS = {
    "callers": "a list; `callers: []` means that there are none beside API_TOKENS",
    "name": "1 to 64 letters, digits, or any of _ . -",
    "tokens": "a list of one or more of sha256 and env; several are valid side by side",
    "sha256": "the 64 hexadecimal digits that `python -m api.callers --hash` prints for a token",
    "env": "the name of an environment variable that holds the token",
    "memory_user": "1 to 200 visible ASCII characters without spaces",
    "routing_mode": ", ".join(RoutingMode),
    "allowed": f"a list of any of {', '.join(Permission)}",
    "extra_forbidden": "one of callers, name, tokens, sha256, env, memory_user, routing_mode and allowed, each in its place",
}


def _free(name: str) -> str:
    if _TAKEN.fullmatch(name):
        raise ValueError("is what callers without a name are called; choose another")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Token(_Part):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    env: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.sha256 is None) == (self.env is None):
            raise ValueError("must have either sha256 or env")
        return self


class _Caller(_Part):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$"), AfterValidator(_free)]
    tokens: Annotated[tuple[_Token, ...], Field(min_length=1)]
    memory_user: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")] | None = None
    routing_mode: RoutingMode | None = None
    allowed: frozenset[Permission] = frozenset()

    def caller(self) -> Caller:
        return Caller(self.name, self.memory_user, self.routing_mode, self.allowed)


class _Callers(_Part):
    callers: tuple[_Caller, ...]


def digest(token: str) -> Digest:
    """What a token is known by."""
    return hashlib.sha256(token.encode()).digest()


def read_callers(
    path: Path, environ: Mapping[str, str], others: Collection[Digest] = frozenset()
) -> dict[Digest, Caller]:
    """The callers of the file by their tokens; `others` are tokens that let somebody in without it.

    Raises:
        ConfigFileError: with all that is wrong.
    """
    file = config_file.read(path, SETTING)
    entries = config_file.validated(file, _Callers, _MENDS).callers
    problems = list(_names(file, entries))
    tokens = list(_digests(file, entries, environ, problems))
    problems += _tokens(file, tokens, others)
    if problems:
        raise config_file.unusable(path, problems)
    return {token: caller for token, _, caller in tokens}


def _names(file: ConfigFile, entries: Collection[_Caller]) -> Iterator[str]:
    names: list[tuple[str, Place]] = [(entry.name, ("callers", at, "name")) for at, entry in enumerate(entries)]
    for name, place, first in config_file.repeated(names):
        yield file.mistake(
            place,
            f"{name} is the name in line {file.line(first)} too; put both callers' tokens below one, or rename one",
        )


def _digests(
    file: ConfigFile, entries: Collection[_Caller], environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[Digest, Place, Caller]]:
    for at, entry in enumerate(entries):
        caller = entry.caller()
        for number, token in enumerate(entry.tokens):
            place: Place = ("callers", at, "tokens", number)
            try:
                yield _digest_of(token, environ), place, caller
            except ValueError as problem:
                problems.append(file.mistake((*place, "env"), str(problem)))


def _digest_of(token: _Token, environ: Mapping[str, str]) -> Digest:
    if token.sha256 is not None:
        return bytes.fromhex(token.sha256)
    value = environ.get(token.env or "", "").strip()
    if not value:
        raise ValueError(f"{token.env} is not set; set it to the token, or take this entry out")
    if not TOKEN.fullmatch(value):
        raise ValueError(
            f"{token.env} holds what no HTTP header can carry; use visible ASCII characters without spaces"
        )
    return digest(value)


def _tokens(
    file: ConfigFile, tokens: Collection[tuple[Digest, Place, Caller]], others: Collection[Digest]
) -> Iterator[str]:
    for _, place, first in config_file.repeated((token.hex(), place) for token, place, _ in tokens):
        yield file.mistake(place, f"is the token in line {file.line(first)} too; a token names one caller, once")
    for token, place, _ in tokens:
        if token in others:
            yield file.mistake(
                place,
                "is one of API_TOKENS too, which would go on to let it in without its name; take it out of API_TOKENS",
            )
