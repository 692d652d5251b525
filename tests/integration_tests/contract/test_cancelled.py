"""A call whose client leaves ends at its provider, on every path and whatever it was waiting for, and is one row that says so.

How fast stands in docs/decisions/0013-calls-end-with-their-clients.md; a busy machine is given longer here.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack.instance import Instance
from operations.spend_rows import SpendRow
from tests.support.api import RunningAPI
from tests.support.ledgers import Ledgers, settled
from tests.support.provider import ScriptedProvider

pytestmark = pytest.mark.timeout(240)

LONG = 100.0  # seconds that the provider would take
CLOSED_WITHIN = 30.0  # seconds, many times what was measured
GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
PLAIN, FIRST, MIDDLE = {"delay": LONG}, {"first_token_delay": LONG}, {"chunks": ["a", "b", "c"], "chunk_delay": LONG}
STREAM: dict[str, Any] = {"stream": True}
MESSAGE: dict[str, Any] = {"max_tokens": 9}


@dataclass(frozen=True)
class Cut:
    """A request that is left while the provider does this; `says_cut`: whether LiteLLM's row does, None where there is no row."""

    path: str
    reply: dict[str, Any]
    says_cut: bool | None
    model: str = GPT
    mode: str = "passthrough"
    fields: dict[str, Any] | None = None

    def body(self, mark: str) -> dict[str, Any]:
        asked: Any = {"input": mark} if self.path in {"/responses", "/embeddings"} else {"prompt": mark}
        if self.path in {"/chat/completions", "/messages"}:
            asked = {"messages": [{"role": "user", "content": mark}]}
        return {"model": self.model, **asked, **(self.fields or {})}


CUTS = {
    "chat, plain": Cut("/chat/completions", PLAIN, says_cut=True),
    "chat, before the headers": Cut("/chat/completions", PLAIN, says_cut=True, model=CLAUDE, fields=STREAM),
    "chat, before the first token": Cut("/chat/completions", FIRST, says_cut=True, fields=STREAM),
    "chat, in mid-stream": Cut("/chat/completions", MIDDLE, says_cut=True, model=CLAUDE, fields=STREAM),
    "a step of reasoning": Cut("/chat/completions", PLAIN, says_cut=True, mode="reasoning"),
    "a text completion, plain": Cut("/completions", PLAIN, says_cut=True),
    "a text completion, in mid-stream": Cut("/completions", MIDDLE, says_cut=None, fields=STREAM),
    "an embedding": Cut("/embeddings", PLAIN, says_cut=True, model="text-embedding-3-small"),
    "a response, plain": Cut("/responses", PLAIN, says_cut=True),
    "a response, before the first token": Cut("/responses", FIRST, says_cut=None, fields=STREAM),
    "a response, in mid-stream": Cut("/responses", MIDDLE, says_cut=False, fields=STREAM),
    "a message, plain": Cut("/messages", PLAIN, says_cut=True, model=CLAUDE, fields=MESSAGE),
    "a message, before the first token": Cut("/messages", FIRST, says_cut=None, model=CLAUDE, fields=MESSAGE | STREAM),
    "a message, in mid-stream": Cut("/messages", MIDDLE, says_cut=False, model=CLAUDE, fields=MESSAGE | STREAM),
    "another model's message, plain": Cut("/messages", PLAIN, says_cut=True, fields=MESSAGE),
    "another model's message, in mid-stream": Cut("/messages", MIDDLE, says_cut=False, fields=MESSAGE | STREAM),
}


@dataclass(frozen=True)
class Left:
    """What became of the requests, by their names: how each ended at the provider, and its rows."""

    outcomes: dict[str, list[str]]
    rows: dict[str, list[SpendRow]]


@pytest.fixture(scope="module")
def left(api: RunningAPI, stack: Instance, provider: ScriptedProvider) -> Left:
    ledgers, marks = Ledgers.from_now(stack), {name: f"mark-{uuid4().hex}" for name in CUTS}
    for name, cut in CUTS.items():
        provider.script(cut.reply, repeat_last=True, contains=marks[name])
    asyncio.run(_leave_all(api, provider, marks))
    outcomes = {name: [seen["outcome"] for seen in provider.requests(contains=mark)] for name, mark in marks.items()}
    expected = sum(cut.says_cut is not None for cut in CUTS.values())
    known = set(marks.values())
    rows = settled(lambda: [row for row in ledgers.rows() if row.session in known], expected, within=90)
    return Left(outcomes, {name: [row for row in rows if row.session == mark] for name, mark in marks.items()})


async def _leave_all(api: RunningAPI, provider: ScriptedProvider, marks: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=api.base_url, timeout=LONG, trust_env=False) as client:
        await asyncio.gather(*(_leave(client, api, provider, CUTS[name], mark) for name, mark in marks.items()))


async def _leave(client: httpx.AsyncClient, api: RunningAPI, provider: ScriptedProvider, cut: Cut, mark: str) -> None:
    """Leaves when the provider is at work on the request, or, in mid-stream, when something of its answer is there."""
    headers = {**api.headers, "x-session-id": mark, "x-routing-mode": cut.mode}
    begun = asyncio.Event()

    async def ask() -> None:
        async with client.stream("POST", cut.path, json=cut.body(mark), headers=headers) as response:
            async for _ in response.aiter_bytes():
                begun.set()

    request = asyncio.create_task(ask())
    await asyncio.to_thread(provider.wait_for, "in_progress", within=CLOSED_WITHIN, contains=mark)
    if cut.reply is MIDDLE:
        await asyncio.wait_for(begun.wait(), CLOSED_WITHIN)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await asyncio.to_thread(provider.wait_for, "client_disconnected", within=CLOSED_WITHIN, contains=mark)


@pytest.mark.parametrize("name", CUTS)
def test_it_ends_at_its_provider_and_is_not_made_again(left: Left, name: str) -> None:
    assert left.outcomes[name] == ["client_disconnected"]


@pytest.mark.parametrize("name", [name for name, cut in CUTS.items() if cut.says_cut is not None])
def test_it_is_one_row_which_names_who_asked(left: Left, name: str) -> None:
    [row] = left.rows[name]
    assert (row.cut, row.caller.partition("-")[0]) == (CUTS[name].says_cut, "token")


@pytest.mark.parametrize("name", [name for name, cut in CUTS.items() if cut.says_cut and cut.reply is not MIDDLE])
def test_what_it_would_have_cost_is_not_guessed(left: Left, name: str) -> None:
    assert [(row.tokens, row.cost) for row in left.rows[name]] == [(0, 0)]


@pytest.mark.parametrize("name", [name for name, cut in CUTS.items() if cut.says_cut is None])
def test_litellm_alone_writes_no_row(left: Left, name: str) -> None:
    assert left.rows[name] == []
