"""`make usage ARGS="--by session,agent"`: each agent beneath the one that started it, and nothing lost or counted twice."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.spend_rows import SpendRow
from operations.usage import dimensions
from operations.usage_report import Sums
from operations.usage_tree import NOTHING, Own, Session, as_csv, as_json, as_table, grown, treed

SUMMED = ("calls", "prompt_tokens", "cache_read_tokens", "completion_tokens", "tokens")


def _row(number: int, agent: str | None, parent: str | None = None, session: str = "s", spend: float = 0.5) -> SpendRow:
    said = {"session_id": session, "agent_id": agent, "parent_agent_id": parent}
    fields: dict[str, Any] = {
        "request_id": f"id-{number}",
        "startTime": "2026-11-21T02:00:00.000+00:00",
        "status": "success",
        "spend": spend,
        "prompt_tokens": 3 + number,
        "completion_tokens": 2,
        "metadata": {"spend_logs_metadata": said, "usage_object": {"cache_read_input_tokens": number}},
    }
    return SpendRow.of(fields, {})


def _rows(*agents: tuple[str | None, str | None]) -> list[SpendRow]:
    return [_row(number, *named) for number, named in enumerate(agents)]


def _drawn(session: Session) -> list[tuple[str, int]]:
    return [(agent.id, agent.depth) for agent in session.agents]


def test_an_agent_stands_beneath_the_one_that_started_it() -> None:
    [session] = treed(_rows((None, None), ("b", "a"), ("a", None), ("c", "a"))).sessions
    assert _drawn(session) == [("(main)", 0), ("a", 0), ("b", 1), ("c", 1)]


def test_an_agent_that_only_its_child_names_has_used_nothing() -> None:
    [session] = treed(_rows(("child", "mother"))).sessions
    assert _drawn(session) == [("mother", 0), ("child", 1)]
    assert session.agents[0].sums == NOTHING


def test_the_dearest_comes_first() -> None:
    rows = [_row(1, "cheap"), _row(2, "dear", spend=9), _row(3, None), _row(4, "x", session="dearest", spend=99)]
    assert [_drawn(session) for session in treed(rows).sessions] == [
        [("x", 0)],
        [("(main)", 0), ("dear", 0), ("cheap", 0)],
    ]


def test_an_agent_of_two_parents_counts_once() -> None:
    [session] = treed(_rows(("a", "q"), ("a", "p"))).sessions
    assert _drawn(session) == [("p", 0), ("a", 1)]
    assert session.agents[1].sums == session.sums


@pytest.mark.parametrize(
    ("agents", "drawn"),
    [
        ([("a", "a")], [("a", 0)]),
        ([("a", "b"), ("b", "a")], [("a", 0), ("b", 1)]),
        ([("c", "a"), ("b", "c"), ("a", "b"), ("d", "b")], [("a", 0), ("c", 1), ("b", 2), ("d", 3)]),
    ],
)
def test_parents_that_go_round_are_cut_open(agents: list[tuple[str, str]], drawn: list[tuple[str, int]]) -> None:
    assert _drawn(treed(_rows(*agents)).sessions[0]) == drawn


def test_agents_of_one_name_in_two_sessions_are_two() -> None:
    tree = treed([_row(1, "a", session="s"), _row(2, "a", session="t")])
    assert [session.agents[0].sums.calls for session in tree.sessions] == [1, 1]


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
NAMED = st.tuples(st.none() | NAMES, st.none() | NAMES, st.sampled_from(["s", "t"]))


@given(st.lists(NAMED, max_size=30))
def test_the_agents_add_up_to_their_session_and_the_sessions_to_all(
    named: list[tuple[str | None, str | None, str]],
) -> None:
    rows = [_row(number, agent, parent, session) for number, (agent, parent, session) in enumerate(named)]
    tree = json.loads(as_json(treed(rows)))
    for name in SUMMED:
        assert sum(session[name] for session in tree["sessions"]) == tree["total"][name]
        for session in tree["sessions"]:
            assert sum(agent[name] for agent in session["agents"]) == session[name]
    shown = [(session["session"], agent["agent"]) for session in tree["sessions"] for agent in session["agents"]]
    assert len(set(shown)) == len(shown)


def test_a_long_line_of_agents_is_drawn() -> None:
    agents = {("s", f"{number:05}"): Own(f"{number - 1:05}" if number else None, NOTHING) for number in range(20_000)}
    tree = grown(agents, {"s": NOTHING}, NOTHING)
    assert [agent.depth for agent in tree.sessions[0].agents] == list(range(20_000))
    assert max(map(len, as_table(tree).splitlines())) < 200


def test_the_table_shows_agents_further_in_beneath_their_session() -> None:
    lines = as_table(treed(_rows((None, None), ("a", None), ("b", "a")))).splitlines()
    assert [line.rstrip().split("  ")[0] or line[:8].rstrip() for line in lines[2:6]] == [
        "s",
        "  (main)",
        "  a",
        "    b",
    ]
    assert lines[-1].split()[:2] == ["total", "3"]


def test_a_session_of_one_agent_is_one_line() -> None:
    assert "(main)" not in as_table(treed(_rows((None, None))))


def test_csv_names_each_agents_parent() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(treed(_rows((None, None), ("b", "a")))))))
    assert [(line["session"], line["agent"], line["parent_agent"]) for line in lines] == [
        ("s", "(main)", ""),
        ("s", "a", ""),
        ("s", "b", "a"),
    ]


def test_no_calls_are_a_tree_of_none() -> None:
    assert json.loads(as_json(treed([]))) == {"sessions": [], "total": Sums.of([]).numbers()}


@pytest.mark.parametrize("by", ["session,agent", "agent,session"])
def test_both_names_can_be_chosen(by: str) -> None:
    assert set(dimensions(by)) == {"session", "agent"}
