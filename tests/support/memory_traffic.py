"""Requests of many users of a memory service at once, each on some path, to some model, and from some caller."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import httpx

from tests.support.api import RunningAPI

USERS: Final = [f"user-{number:02}" for number in range(50)]
AT_ONCE: Final = 32
GPT, CLAUDE, EMBEDDING = "gpt-4o-mini", "claude-haiku-4-5", "text-embedding-3-small"
FORGETFUL: Final = "gpt-4o"
"""A model without a memory."""
TRUSTED, INTRUDER = "chat-page", "intruder"
# Half of the users have a token of their own; a trusted caller speaks for the others.
OWN_TOKENS: Final = USERS[::2]


@dataclass(frozen=True)
class Kind:
    """A path and how it is asked; `calls` is how often the provider hears of it."""

    path: str
    prompt: str
    models: tuple[str, ...] = (GPT, CLAUDE)
    streams: tuple[bool, ...] = (False, True)
    mode: str = "passthrough"
    calls: int = 1
    fields: dict[str, Any] = field(default_factory=dict, hash=False)

    def body(self, says: str, *, model: str, stream: bool) -> dict[str, Any]:
        said: Any = [{"role": "user", "content": says}] if self.prompt == "messages" else says
        return {"model": model, self.prompt: said, **self.fields, **({"stream": True} if stream else {})}


KINDS: Final = [
    Kind("/v1/chat/completions", "messages"),
    Kind("/v1/chat/completions", "messages", (FORGETFUL,)),
    Kind("/v1/chat/completions", "messages", mode="reasoning", calls=2),
    Kind("/v1/responses", "input"),
    Kind("/v1/messages", "messages", fields={"max_tokens": 99}),
    Kind("/v1/completions", "prompt"),
    Kind("/v1/embeddings", "input", (EMBEDDING,), (False,)),
]


@dataclass(frozen=True)
class Sent:
    """One request; `user` is whose memory it is about, None if it is nobody's."""

    mark: str
    caller: str
    user: str | None
    session: str
    kind: Kind
    model: str
    stream: bool
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> tuple[str | None, str | None]:
        """User and session, as the provider has to be told."""
        reaches = self.user is not None and self.model != FORGETFUL
        return (self.user, self.session) if reaches else (None, None)


def callers_file() -> str:
    """Each with a token that is made of its name."""
    named = {user: f"memory_user: {user}" for user in OWN_TOKENS} | {
        TRUSTED: "allowed: [set_memory_user]",
        INTRUDER: "",
    }
    lines = [
        f"- {{name: {name}, tokens: [{{sha256: {sha256(token_of(name).encode()).hexdigest()}}}], {fields}}}"
        for name, fields in named.items()
    ]
    return "\n".join(["callers:", *lines])


def token_of(caller: str) -> str:
    return f"token-of-{caller}"


def drawn(run: str, requests: int, seed: int) -> Iterator[Sent]:
    """So many, at random, but each kind among the first ones; one in ten is an intruder's, who asks for another's memory."""
    chance = random.Random(seed)
    for number in range(requests):
        kind = KINDS[number % len(KINDS)] if number < 4 * len(KINDS) else chance.choice(KINDS)
        common = {
            "mark": f"{run}-{number}.",
            "session": f"session-{chance.randrange(200)}",
            "kind": kind,
            "model": chance.choice(kind.models),
            "stream": chance.choice(kind.streams),
        }
        yield _intruders(chance, common) if number % 10 == 9 else _users(chance, common)


def _users(chance: random.Random, common: dict[str, Any]) -> Sent:
    user, other = chance.sample(USERS, 2)
    if user in OWN_TOKENS:
        return Sent(caller=user, user=user, headers=chance.choice([{}, {"x-memory-user-id": other}]), **common)
    return Sent(caller=TRUSTED, user=user, headers={"x-memory-user-id": user}, fields={"user": other}, **common)


def _intruders(chance: random.Random, common: dict[str, Any]) -> Sent:
    """Each way by which a caller might try to be taken for somebody else."""
    other = chance.choice(USERS)
    service = {"x-sm-user-id": other, "x-sm-conversation-id": "another's"}
    headers = chance.choice([{"x-memory-user-id": other}, service, {}])
    fields: list[dict[str, Any]] = [
        {"user": other},
        {"headers": service},
        {"extra_headers": service},
        {"extra_body": {"user": other}},
        {"metadata": {"user_id": other, "headers": service, "conversation_id": "another's"}},
        {"litellm_metadata": {"headers": service}},
        {"extra_query": {"userId": other}},
    ]
    return Sent(caller=INTRUDER, user=None, headers=headers, fields=chance.choice(fields), **common)


async def send_all(api: RunningAPI, requests: list[Sent], within: float) -> dict[str, int]:
    """The status of each by its mark. Says now and then how far it is.

    Raises:
        TimeoutError: it took longer than so many seconds.
    """
    statuses: dict[str, int] = {}
    waiting = iter(requests)
    began = time.monotonic()

    async def work(client: httpx.AsyncClient) -> None:
        for sent in waiting:
            statuses[sent.mark] = await _send(client, api, sent)
            if len(statuses) % 500 == 0:
                print(f"{len(statuses):,} of {len(requests):,} after {time.monotonic() - began:.0f} s", flush=True)

    async with httpx.AsyncClient(trust_env=False, timeout=120) as client, asyncio.timeout(within):
        await asyncio.gather(*(work(client) for _ in range(AT_ONCE)))
    return statuses


async def _send(client: httpx.AsyncClient, api: RunningAPI, sent: Sent) -> int:
    body = sent.kind.body(f"{sent.mark} Hello.", model=sent.model, stream=sent.stream)
    headers = {"x-api-key": token_of(sent.caller), "x-session-id": sent.session, "x-routing-mode": sent.kind.mode}
    answer = await client.post(f"{api.url}{sent.kind.path}", json=body | sent.fields, headers=headers | sent.headers)
    return answer.status_code
