"""A trace drawn as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from local_stack.instance import Instance
from operations.trace import TraceError, draw, fetch, parse, show

TRACE = "0af7651916cd43dd8448eb211c80319c"
LLM = {"llm.token_count.prompt": 12, "llm.token_count.completion": 3, "litellm.cost.total": 0.00021}
STACK = Instance(Path("state"), 20_000)
SPANS = "http://127.0.0.1:20002/v1/projects/reasoning-agent/spans"


def row(number: int, name: str, kind: str, parent: int | None, **more: Any) -> dict[str, Any]:
    """A span as Phoenix's API gives it; each begins a millisecond after the one before it and takes ten."""
    times = {side: f"2026-01-01T00:00:00.{number + after:03}+00:00" for side, after in (("start", 0), ("end", 10))}
    return {
        "name": name,
        "span_kind": kind,
        "context": {"trace_id": TRACE, "span_id": str(number)},
        "parent_id": None if parent is None else str(parent),
        "start_time": times["start"],
        "end_time": times["end"],
        "status_code": "UNSET",
        "attributes": {},
        **more,
    }


ROWS = [
    row(1, "POST /v1/chat/completions", "CHAIN", None),
    row(2, "passthrough.chat", "CHAIN", 1),
    row(3, "POST /v1/chat/completions", "LLM", 2),
    row(4, "auth /v1/chat/completions", "UNKNOWN", 3),
    row(5, "postgres.select Keys", "UNKNOWN", 4),
    row(6, "chat gpt-4o", "LLM", 3, attributes=LLM),
    row(7, "lookup", "TOOL", 1, status_code="ERROR"),
]


def drawn(rows: list[Mapping[str, Any]], *, everything: bool = False) -> list[str]:
    return [line.rstrip() for line in draw([parse(row) for row in rows], everything=everything)]


def test_each_span_stands_beneath_its_parent() -> None:
    assert drawn(list(ROWS)) == [
        "POST /v1/chat/completions        CHAIN      10.0 ms",
        "├─ passthrough.chat              CHAIN      10.0 ms",
        "│  └─ POST /v1/chat/completions  LLM        10.0 ms",
        "│     └─ chat gpt-4o             LLM        10.0 ms  12 → 3 tokens  $0.00021000",
        "└─ lookup                        TOOL       10.0 ms  FAILED",
        "(2 spans of LiteLLM's own housekeeping are left out; --all shows them)",
    ]


def test_all_shows_the_housekeeping_too() -> None:
    names = [line.strip("│├└─ ").split("  ")[0] for line in drawn(list(ROWS), everything=True)]
    assert sorted(names) == sorted(row["name"] for row in ROWS)


def test_a_span_whose_parent_is_elsewhere_is_a_root() -> None:
    assert drawn([row(2, "passthrough.chat", "CHAIN", 99)])[0].startswith("passthrough.chat")


def test_a_tool_is_shown_whatever_it_is_called() -> None:
    assert drawn([row(1, "route planner", "TOOL", None)])[0].startswith("route planner")


@respx.mock
def test_spans_come_in_the_order_in_which_they_began() -> None:
    respx.get(SPANS, params={"trace_id": TRACE}).respond(json={"data": ROWS[::-1]})
    assert [span.span_id for span in fetch(STACK, {}, TRACE)] == [row["context"]["span_id"] for row in ROWS]


@respx.mock
def test_a_trace_that_is_not_there_is_said_so() -> None:
    respx.get(SPANS).respond(404)
    with pytest.raises(TraceError, match="has no spans of the trace"):
        show(STACK, {}, TRACE, everything=False)


def test_what_is_no_trace_id_is_said_so() -> None:
    with pytest.raises(TraceError, match="32 hexadecimal digits"):
        show(STACK, {}, "last", everything=False)


@respx.mock
def test_a_phoenix_that_is_down_is_said_so() -> None:
    respx.get(SPANS).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(TraceError, match="Is the stack up"):
        show(STACK, {}, TRACE, everything=False)
