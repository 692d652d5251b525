"""Sessions and their agents: what each agent used itself, beneath the agent that started it, and beneath the sum of the session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from operations.spend_rows import NONE, SpendRow
from operations.usage_report import Key, Sums, in_order, laid_out, separated

MAIN = "(main)"
"""The agent of a session that has no id, since it started the others."""
# What stands deeper is drawn no farther to the right.
DEEPEST = 20
NOTHING = Sums(0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0)


class Own(NamedTuple):
    """What an agent used itself, and who is said to have started it."""

    parent: str | None
    sums: Sums


class Agent(NamedTuple):
    """An agent in its place. One that only its children name has used nothing."""

    id: str
    parent: str | None
    depth: int
    sums: Sums


class Session(NamedTuple):
    """A session's sum, and its agents, each before those that it started. Their sums add up to it."""

    id: str
    sums: Sums
    agents: Sequence[Agent]


class Tree(NamedTuple):
    """The sessions, the dearest first, and the sum of all."""

    sessions: Sequence[Session]
    total: Sums


def treed(rows: Sequence[SpendRow]) -> Tree:
    by_session: dict[str, list[SpendRow]] = {}
    by_agent: dict[tuple[str, str], list[SpendRow]] = {}
    for row in rows:
        by_session.setdefault(row.session, []).append(row)
        by_agent.setdefault((row.session, row.agent), []).append(row)
    agents = {key: Own(_parent(own), Sums.of(own)) for key, own in by_agent.items()}
    return grown(agents, {session: Sums.of(own) for session, own in by_session.items()}, Sums.of(rows))


def grown(agents: Mapping[tuple[str, str], Own], sessions: Mapping[str, Sums], total: Sums) -> Tree:
    """The tree of agents by session and id."""
    by_session: dict[str, dict[str, Own]] = {session: {} for session in sessions}
    for (session, agent), own in agents.items():
        by_session[session][agent] = own
    ordered = in_order({(session,): sums for session, sums in sessions.items()})
    return Tree([Session(session, sums, list(_placed(by_session[session]))) for (session,), sums in ordered], total)


def _parent(rows: Sequence[SpendRow]) -> str | None:
    """An agent has one; where a client says several, it is the first in order, so that nothing counts twice."""
    return min((row.parent_agent for row in rows if row.parent_agent not in (NONE, row.agent)), default=None)


def _placed(agents: Mapping[str, Own]) -> Iterator[Agent]:
    named = {own.parent: Own(None, NOTHING) for own in agents.values() if own.parent}
    known = {**{name: own for name, own in named.items() if name}, **agents}
    parents = _without_circles({name: own.parent for name, own in known.items()})
    children: dict[str | None, dict[Key, Sums]] = {}
    for name, parent in parents.items():
        children.setdefault(parent, {})[(name,)] = known[name].sums
    waiting = [(name, 0) for name in reversed(_of(children, None))]
    while waiting:
        name, depth = waiting.pop()
        yield Agent(MAIN if name == NONE else name, parents[name], depth, known[name].sums)
        waiting += [(child, depth + 1) for child in reversed(_of(children, name))]


def _of(children: Mapping[str | None, Mapping[Key, Sums]], parent: str | None) -> list[str]:
    """The first agent, then the dearest."""
    names = [name for (name,), _ in in_order(children.get(parent, {}))]
    return sorted(names, key=lambda name: name != NONE)


def _without_circles(parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """Who is said to have started whom is a client's word: where that goes round, the first in order is started by nobody."""
    found = dict(parents)
    seen: set[str] = set()
    for name in parents:
        path: dict[str, None] = {}
        above: str | None = name
        while above is not None and above not in seen and above not in path:
            path[above] = None
            above = found[above]
        if above is not None and above in path:
            way = list(path)
            found[min(way[way.index(above) :])] = None
        seen.update(path)
    return found


def _lines(tree: Tree) -> Iterator[tuple[Key, Sums]]:
    for session in tree.sessions:
        yield (session.id,), session.sums
        if [agent.id for agent in session.agents] != [MAIN]:
            for agent in session.agents:
                yield ("  " * (1 + min(agent.depth, DEEPEST)) + agent.id,), agent.sums


def as_table(tree: Tree) -> str:
    return laid_out(["session and agents"], list(_lines(tree)), tree.total)


def as_json(tree: Tree) -> str:
    sessions = [
        {
            "session": session.id,
            **session.sums.numbers(),
            "agents": [
                {"agent": agent.id, "parent_agent": agent.parent, "depth": agent.depth, **agent.sums.numbers()}
                for agent in session.agents
            ],
        }
        for session in tree.sessions
    ]
    return json.dumps({"sessions": sessions, "total": tree.total.numbers()}, indent=2, ensure_ascii=False)


def as_csv(tree: Tree) -> str:
    """The agents alone: whoever reads it can sum them."""
    agents = [
        ((session.id, agent.id, agent.parent or ""), agent.sums)
        for session in tree.sessions
        for agent in session.agents
    ]
    return separated(["session", "agent", "parent_agent"], agents)


FORMATS: Mapping[str, Callable[[Tree], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
