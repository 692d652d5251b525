"""A trace drawn as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from local_stack.instance import Instance
from local_stack.traces import TraceError, parse
from operations import trace
from operations.trace import draw, fetch, identifier

TRACE = "0af7651916cd43dd8448eb211c80319c"
OURS = {"metadata.component": "passthrough", "metadata.operation": "chat"}
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
    row(2, "passthrough.chat", "CHAIN", 1, attributes=OURS),
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


def run(tmp_path: Path, *arguments: str) -> int:
    file = tmp_path / ".env"
    file.write_text("PHOENIX_PORT=20002\n")
    return trace.main([*arguments, "--env-file", str(file)], {})


@respx.mock
def test_a_trace_that_comes_span_by_span_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks = [httpx.Response(404), *(httpx.Response(200, json={"data": ROWS[:count]}) for count in (1, 3, 7, 7))]
    phoenix = respx.get(SPANS).mock(side_effect=looks)
    assert run(tmp_path, TRACE) == 0
    assert "chat gpt-4o             LLM        10.0 ms  12 → 3 tokens" in capsys.readouterr().out
    assert phoenix.call_count == len(looks)


@respx.mock
def test_what_never_came_is_named_and_the_rest_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    respx.get(SPANS).respond(json={"data": ROWS[:3]})
    assert run(tmp_path, TRACE, "--wait", "0.3") == 1
    said = capsys.readouterr()
    assert "└─ passthrough.chat" in said.out
    assert said.err == "error: the trace is not whole; missing: LiteLLM's spans of passthrough.chat\n"


@respx.mock
def test_a_trace_that_never_comes_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    respx.get(SPANS).respond(404)
    assert run(tmp_path, TRACE, "--wait", "0.3") == 1
    assert f"has no span of the trace {TRACE} in the project 'reasoning-agent' after 0.3 s" in capsys.readouterr().err


@respx.mock
def test_no_wait_draws_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phoenix = respx.get(SPANS).respond(json={"data": ROWS[:3]})
    assert run(tmp_path, TRACE, "--no-wait") == 1
    assert "passthrough.chat" in capsys.readouterr().out
    assert phoenix.call_count == 1


@pytest.mark.parametrize(
    "form",
    [
        TRACE,
        TRACE.upper(),
        f"0x{TRACE}",
        f"0X{TRACE.upper()}",
        f" {TRACE}\n",
        f"00-{TRACE}-b7ad6b7169203331-01",
        f"traceparent: 00-{TRACE}-b7ad6b7169203331-01",
        f"X-Trace-ID: {TRACE}",
        f"http://127.0.0.1:6006/redirects/traces/{TRACE}",
        f"http://127.0.0.1:6006/projects/UHJvamVjdDox/traces/{TRACE}?selectedSpanNodeId=U3BhbjoxMjM%3D",
        "0af76519-16cd-43dd-8448-eb211c80319c",
    ],
)
def test_an_id_is_found_in_what_it_stands_in(form: str) -> None:
    assert identifier(form) == TRACE


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("", "is no trace id"),
        ("last", "is no trace id"),
        (TRACE[:-1], "is no trace id"),
        (TRACE + "0", "is no trace id"),
        ("0" * 32, "is no trace id"),
        ("b7ad6b7169203331", "is a span's id"),
        ("0xb7ad6b7169203331", "is a span's id"),
        (f"{TRACE} {TRACE[::-1]}", "holds several trace ids"),
    ],
)
def test_what_is_no_trace_id_is_said_so(wrong: str, told: str) -> None:
    with pytest.raises(TraceError, match=f"{told}.*: give the 32 hexadecimal digits"):
        identifier(wrong)


@respx.mock
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.ConnectError("refused"), "Is the stack up"),
        (httpx.Response(401), "answers 401"),
        (httpx.Response(200, text="<html>"), "is not Phoenix"),
        (httpx.Response(200, json={"status": "ok"}), "is not Phoenix"),
        (httpx.Response(200, json=[]), "is not Phoenix"),
    ],
    ids=["down", "locked", "a page", "another's JSON", "a list"],
)
def test_a_phoenix_that_cannot_be_asked_is_said_so(answer: Any, told: str) -> None:
    respx.get(SPANS).mock(side_effect=[answer])
    with pytest.raises(TraceError, match=told):
        fetch(STACK, {}, TRACE)
