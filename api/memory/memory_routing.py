"""The rules by which a request's memory user is found, in their order.

1. the custom header, from a caller that may set a memory user
2. the caller's own memory user
3. patterns over headers
4. the person whom the body names, if the configuration listens to that
5. the default, if there is one
6. nobody

What a sender writes counts only from those that the configuration listens to. A rule whose answer cannot be a user's id ends the
search with nobody: the rules below it would take the request for somebody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from api.context import Caller, Permission
from api.errors import InvalidHeader
from api.memory.body_user import is_user_id, person
from api.memory.header_patterns import HeaderPattern, MatchedPattern, UnusableError

Headers = Mapping[bytes, bytes]
"""Names in lower case."""
# Where memory services look for a user, or a conversation, that no header names.
BODY_USER = "user"
METADATA_USERS = frozenset({"user_id", "conversation_id"})


class Rule(StrEnum):
    """Which rule decided."""

    HEADER = "custom_header"
    CALLER = "caller"
    PATTERN = "pattern"
    BODY_USER = "body_user"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class MemoryUser:
    """Whose memory a request is about, and how that was found."""

    id: str
    rule: Rule
    matched_pattern: MatchedPattern | None = None
    custom_header_present: bool = False

    @property
    def is_default(self) -> bool:
        return self.rule is Rule.DEFAULT


class Heard(NamedTuple):
    """A pattern, and whether it is asked for everyone or only for callers that may set a memory user."""

    pattern: HeaderPattern
    from_everyone: bool


class Service(NamedTuple):
    """How a memory service is told, for which models, and which of its headers come back; a `*` ends what is a beginning."""

    user_header: str
    session_header: str | None
    models: tuple[str, ...]
    answer_headers: tuple[str, ...]


class Rules(NamedTuple):
    """What is configured. `body_user` is None where nobody's is listened to, and True where everyone's is."""

    patterns: tuple[Heard, ...]
    body_user: bool | None
    default: str | None
    service: Service


class MemoryRouting:
    """Finds whose memory a request is about. Without rules it is nobody's, and no header of a memory service goes out or back."""

    def __init__(self, rules: Rules | None, header: str | None) -> None:
        self._rules = rules
        self._header = header or ""
        self._name = self._header.encode()
        self._models = _Names.of(rules.service.models if rules else ())
        self._answers = _Names.of(rules.service.answer_headers if rules else ())

    @property
    def enabled(self) -> bool:
        return self._rules is not None

    def resolve(self, headers: Headers, caller: Caller, body_user: str | None = None) -> MemoryUser | None:
        """Whose memory the request is about; None for nobody's.

        `body_user` is OpenAI's `user`, or Anthropic's `metadata.user_id`.

        Raises:
            InvalidHeader: the custom header names nobody who could have a memory, and its caller may set one.
        """
        if self._rules is None:
            return None
        try:
            return self._first(self._rules, headers, caller, body_user)
        except UnusableError:
            return None

    def info(self, headers: Headers, caller: Caller, body_user: str | None = None) -> dict[str, Any]:
        """What `GET /memory-routing/info` answers.

        Raises:
            InvalidHeader
        """
        user, reason = self._explained(headers, caller, body_user)
        present = bool(self._name) and self._name in headers
        return {
            "enabled": self.enabled,
            "user_id": user and user.id,
            "rule": user and user.rule.value,
            "reason": reason,
            "matched_pattern": user.matched_pattern._asdict() if user and user.matched_pattern else None,
            "custom_header_present": present,
            "custom_header_ignored": present and not _may_choose(caller),
            "is_default": user is not None and user.is_default,
        }

    def serves(self, model: str) -> bool:
        """Whether a memory service stands in front of this model."""
        return self._rules is not None and self._models.have(model)

    def upstream_headers(self, memory_user: str | None, session_id: str | None, model: str) -> dict[str, str]:
        """What a call of this model tells the memory service; nothing where there is no user, or the model has no service."""
        if memory_user is None or self._rules is None or not self.serves(model):
            return {}
        service = self._rules.service
        told = {service.user_header: memory_user}
        if service.session_header and session_id:
            told[service.session_header] = session_id
        return told

    def without_other_users(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body less what the service of its model would take for a user or a conversation, since no rule has decided on
        that; as it came where there is no service."""
        if not self.serves(str(body.get("model"))):
            return body
        kept = {name: value for name, value in body.items() if name != BODY_USER}
        if isinstance(metadata := kept.get("metadata"), dict):
            kept["metadata"] = {name: value for name, value in metadata.items() if name not in METADATA_USERS}
        return kept

    @property
    def tells_callers(self) -> bool:
        """Whether any of the memory service's headers goes to callers."""
        return self._rules is not None and bool(self._rules.service.answer_headers)

    def is_answer_header(self, name: str) -> bool:
        """Whether this one does; its name is given in lower case."""
        return self._answers.have(name)

    def _explained(self, headers: Headers, caller: Caller, body_user: str | None) -> tuple[MemoryUser | None, str]:
        if self._rules is None:
            return None, "Memory routing is switched off."
        try:
            user = self._first(self._rules, headers, caller, body_user)
        except UnusableError as problem:
            return None, f"No memory: {problem}."
        return user, _REASONS[user.rule if user else None]

    def _first(self, rules: Rules, headers: Headers, caller: Caller, body_user: str | None) -> MemoryUser | None:
        sent = headers.get(self._name) if self._name else None
        present, chooses = sent is not None, _may_choose(caller)
        if sent is not None and chooses:
            return MemoryUser(self._named(sent), Rule.HEADER, None, present)
        if caller.memory_user is not None:
            return MemoryUser(caller.memory_user, Rule.CALLER, None, present)
        for pattern, from_everyone in rules.patterns:
            value = headers.get(pattern.name) if from_everyone or chooses else None
            if value is not None and (matched := pattern.matched(value)):
                return MemoryUser(matched.user_id, Rule.PATTERN, matched, present)
        if body_user and rules.body_user is not None and (rules.body_user or chooses):
            return MemoryUser(_person(body_user), Rule.BODY_USER, None, present)
        return MemoryUser(rules.default, Rule.DEFAULT, None, present) if rules.default is not None else None

    def _named(self, value: bytes) -> str:
        user = value.decode("latin-1")
        if not is_user_id(user):
            raise InvalidHeader(
                f"{self._header} must be 1 to 200 visible ASCII characters without spaces.", param=self._header
            )
        return user


@dataclass(frozen=True, slots=True)
class _Names:
    """Whole names, and beginnings of names."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]

    @classmethod
    def of(cls, names: tuple[str, ...]) -> "_Names":
        whole = frozenset(name for name in names if not name.endswith("*"))
        return cls(whole, tuple(name[:-1] for name in names if name.endswith("*")))

    def have(self, name: str) -> bool:
        return name in self.whole or name.startswith(self.beginnings)


# As a file without rules has it.
NO_MEMORY = MemoryRouting(None, None)

_REASONS: dict[Rule | None, str] = {
    Rule.HEADER: "The custom header names the user.",
    Rule.CALLER: "The caller's token has this memory user.",
    Rule.PATTERN: "A header matches a pattern.",
    Rule.BODY_USER: "The request's body names the user.",
    Rule.DEFAULT: "No other rule answered.",
    None: "No memory: no rule answered, and there is no default.",
}


def _may_choose(caller: Caller) -> bool:
    return Permission.SET_MEMORY_USER in caller.allowed


def _person(body_user: str) -> str:
    found = person(body_user)
    if found is None:
        raise UnusableError("the user whom the body names is not 1 to 200 visible ASCII characters without spaces")
    return found
