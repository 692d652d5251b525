"""Patterns over headers → a user's id.

They are searched by RE2, which never goes back in a text: whatever pattern an operator writes and whatever header a client
sends, the time grows with the header's length alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.memory.body_user import is_user_id

# Longer than any client's header that says who it is; one that is longer is not searched.
LONGEST_HEADER = 1_000
_GROUP = re.compile(r"\{(\w+)\}")
_ADJACENT = re.compile(r"\}\{")


class PatternError(ValueError):
    """The pattern, or the user id that is made of it, cannot be used; the message says why."""


class UnusableError(Exception):
    """A header was sent that a pattern is about, but no user's id can be made of it; the message says why."""


class MatchedPattern(NamedTuple):
    """Which pattern decided, and what it made of the header."""

    header: str
    pattern: str
    user_id: str


@dataclass(frozen=True, slots=True)
class HeaderPattern:
    """One pattern. `sender_chooses`: the user id is made of what the header says, not only of which pattern matches."""

    header: str
    name: bytes
    pattern: str
    user_id: str
    groups: tuple[tuple[str, int], ...]
    """Texts and groups in turn: each group with the text before it."""
    tail: str
    search: Any

    @property
    def sender_chooses(self) -> bool:
        return bool(self.groups)

    def matched(self, value: bytes) -> MatchedPattern | None:
        """The user of this header's value, None if the pattern does not match.

        Raises:
            UnusableError: it is too long to be searched, or what matched makes no user's id.
        """
        if len(value) > LONGEST_HEADER:
            raise UnusableError(f"{self.header} has more than {LONGEST_HEADER} characters")
        found = self.search(value)
        if not found:
            return None
        user = self._made_of(found) if self.groups else self.user_id
        return MatchedPattern(self.header, self.pattern, user)

    def _made_of(self, found: Any) -> str:
        """An empty group would make one user of everybody without a name."""
        parts = [(before, found.group(group)) for before, group in self.groups]
        if not all(said and said.isascii() for _, said in parts):
            raise UnusableError(f"what {self.pattern} found in {self.header} is empty, or not ASCII")
        user = "".join(before + said.decode("ascii") for before, said in parts) + self.tail
        if not is_user_id(user):
            raise UnusableError(
                f"what {self.pattern} makes of {self.header} is longer than 200 characters, or has spaces"
            )
        return user


def compiled(header: str, pattern: str, user_id: str) -> HeaderPattern:
    """The pattern, ready to search.

    Raises:
        PatternError
    """
    # Here, because only who has patterns needs it.
    import re2

    options = re2.Options()
    # A header is bytes; `.` is one of them.
    options.encoding, options.log_errors = re2.Options.Encoding.LATIN1, False
    try:
        expression = re2.compile(pattern.encode("latin-1"), options)
    except UnicodeEncodeError:
        raise PatternError("pattern: holds characters that no header has") from None
    except re2.error as error:
        raise PatternError(f"pattern: RE2 cannot read it: {_words(error)}") from None
    named = {name.decode(): number for name, number in expression.groupindex.items()}
    groups, tail = _template(user_id, named, expression.groups)
    return HeaderPattern(header, header.encode(), pattern, user_id, groups, tail, expression.search)


def _template(user_id: str, named: dict[str, int], count: int) -> tuple[tuple[tuple[str, int], ...], str]:
    """`webui-{1}` as texts and groups."""
    if _ADJACENT.search(user_id):
        raise PatternError("user_id: two groups side by side could make one user of two; put a text between them")
    *pairs, tail = _GROUP.split(user_id)
    texts, groups = pairs[::2], pairs[1::2]
    if any(brace in text for text in (*texts, tail) for brace in "{}"):
        raise PatternError("user_id: a group is written {1}, or {name}")
    return tuple(zip(texts, _numbers(groups, named, count), strict=True)), tail


def _numbers(groups: list[str], named: dict[str, int], count: int) -> Iterator[int]:
    for group in groups:
        number = named.get(group, int(group) if group.isdecimal() and group.isascii() and len(group) < 4 else None)
        if number is None or number > count:
            raise PatternError(f"user_id: the pattern has no group {group}; write {{0}} for all that it matches")
        yield number


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("latin-1") if isinstance(said, bytes) else str(said)
